// Files go to the server and come from it by plain HTTP: a sweep is larger than what fits into one WebSocket message.
(function () {
  const upload = (file, onProgress) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", "upload?name=" + encodeURIComponent(file.name));
      request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
      request.onloadend = resolve;
      request.send(file);
    });

  const crlm = {
    choose(id) {
      document.getElementById(id).click();
    },
    async upload(input) {
      const files = Array.from(input.files);
      input.value = "";
      for (const file of files) {
        const show = (fraction) => window.trame.state.set("upload_progress", 100 * fraction);
        show(0);
        await upload(file, show);
      }
      window.trame.state.set("upload_progress", -1);
    },
    async saveCase() {
      const answer = await fetch("case", { method: "POST" });
      if (!answer.ok) return; // The server has told every tab why.
      const link = document.createElement("a");
      link.href = (await answer.json()).url;
      link.download = "";
      document.body.appendChild(link);
      link.click();
      link.remove();
    },
  };

  window.trame.utils.crlm = crlm;
})();
