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

  // When the program or the network goes away the page says so, and comes back by itself: the session lives there.
  const comeBack = () => {
    if (document.getElementById("lost")) return;
    const told = document.createElement("div");
    told.id = "lost";
    told.innerHTML = "<b>The connection to the program is lost.</b><br>This page comes back by itself once it is there again.";
    document.body.appendChild(told);
    const look = async () => {
      try {
        if ((await fetch("alive", { cache: "no-store" })).ok) return window.location.reload();
      } catch (error) {
        // Not yet.
      }
      setTimeout(look, 1000);
    };
    setTimeout(look, 1000);
  };
  window.trame.client.onConnectionClose(comeBack);
  window.trame.client.onConnectionError(comeBack);

  window.trame.utils.crlm = crlm;
})();
