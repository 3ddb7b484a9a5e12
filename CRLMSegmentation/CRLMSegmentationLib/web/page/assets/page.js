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
    // What has just been opened may be below the edge of the list; of what is longer than the list its beginning is seen.
    reveal(id, block = "nearest") {
      setTimeout(() => {
        const section = document.getElementById(id);
        const isLonger = section.offsetHeight > section.parentElement.clientHeight;
        section.scrollIntoView({ behavior: "smooth", block: isLonger ? "start" : block });
      }, 150);
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
    // A folder of slices goes one by one: the names of its files stay here, they may be those of patients.
    async uploadDicom(input) {
      const { state } = window.trame;
      const files = Array.from(input.files);
      input.value = "";
      if (!files.length) return;
      const post = (path, body) => fetch("ct/dicom" + path, { method: "POST", body });
      state.set("upload_progress", 0);
      try {
        const begun = await post("");
        if (!begun.ok) return; // The server has reported the reason to every tab.
        const { batch } = await begun.json();
        for (const [number, file] of files.entries()) {
          if (!(await post("/" + batch, file)).ok) return;
          state.set("upload_progress", (100 * (number + 1)) / files.length);
        }
        await post("/" + batch + "/open");
      } finally {
        state.set("upload_progress", -1);
      }
    },
    // The CT in space is turned where the button was pressed, and drawn anew as soon as its last picture has come.
    beginTurn(event) {
      const { state } = window.trame;
      event.target.setPointerCapture(event.pointerId);
      crlm.turned = { x: event.clientX, y: event.clientY, turn: state.get("ct_turn"), tilt: state.get("ct_tilt") };
    },
    turn(event) {
      const from = crlm.turned;
      if (!event.buttons || !from || !event.target.complete) return;
      const tilt = from.tilt + (event.clientY - from.y) * 0.4;
      window.trame.state.update({
        ct_turn: from.turn - (event.clientX - from.x) * 0.5,
        ct_tilt: Math.min(89, Math.max(-89, tilt)),
      });
    },
    // A planned cut is dragged by the nearest of its handles; a press anywhere else in the slice looks at that place.
    beginCut(event, plane) {
      const { offsetX: x, offsetY: y, target, pointerId } = event;
      const { clientWidth: width, clientHeight: height } = target;
      const handles = window.trame.state.get("ct_cut")[plane] || [];
      const away = handles.map(([across, down]) => Math.hypot(across * width - x, down * height - y));
      const nearest = Math.min(...away);
      crlm.cut = nearest > window.trame.state.get("ct_reach") * Math.max(width, height) ? null : { plane, handle: away.indexOf(nearest) };
      if (crlm.cut) target.setPointerCapture(pointerId);
    },
    dragCut(event) {
      const { cut } = crlm;
      if (!cut || !event.buttons) return;
      const part = (at, whole) => Math.min(1, Math.max(0, at / whole));
      cut.to = [part(event.offsetX, event.target.clientWidth), part(event.offsetY, event.target.clientHeight)];
      crlm.sendCut(cut);
    },
    // One at a time, the newest next: the last place counts, however long an answer takes.
    sendCut(cut) {
      if (!cut.to || cut.waits) return;
      const to = cut.to;
      cut.waits = cut.isMoved = true;
      cut.to = null;
      const done = () => ((cut.waits = false), crlm.sendCut(cut));
      window.trame.trigger("crlm_cut", [cut.plane, cut.handle, ...to]).then(done, done);
    },
    // The click that ends a drag is not meant for the slice.
    endCut(event) {
      if (crlm.cut && crlm.cut.isMoved) event.stopImmediatePropagation();
      crlm.cut = null;
    },
    // A tone within the margin, quicker inside the tumor; each tab for itself, and never before somebody has asked for it.
    switchSound() {
      const wanted = crlm.audio === null;
      if (wanted) crlm.audio = new AudioContext();
      else crlm.audio.close();
      if (!wanted) crlm.audio = null;
      document.getElementById("sound").setAttribute("aria-pressed", String(wanted));
    },
    // The views alone, for a second monitor: this tab fills the screen where the browser lets it, which asks for a press.
    switchFullScreen(wanted = !crlm.isFullScreen()) {
      document.body.classList.toggle("is-full-screen", wanted);
      document.getElementById("full-screen").setAttribute("aria-pressed", String(wanted));
      if (wanted && document.fullscreenEnabled) document.documentElement.requestFullscreen().catch(() => {});
      if (!wanted && document.fullscreenElement) document.exitFullscreen();
    },
    isFullScreen() {
      return document.body.classList.contains("is-full-screen");
    },
    audio: null,
    lastTone: 0,
    sound() {
      const { state } = window.trame;
      const every_ms = { near: 1000, inside: 350 }[state.get("can_navigate") ? state.get("alarm") : ""];
      const isOld = document.body.classList.contains("is-cut-off");
      if (crlm.audio === null || !every_ms || isOld || performance.now() - crlm.lastTone < every_ms) return;
      crlm.lastTone = performance.now();
      const tone = crlm.audio.createOscillator();
      const volume = crlm.audio.createGain();
      tone.frequency.value = 880;
      volume.gain.setValueAtTime(0.2, crlm.audio.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, crlm.audio.currentTime + 0.15);
      tone.connect(volume).connect(crlm.audio.destination);
      tone.start();
      tone.stop(crlm.audio.currentTime + 0.15);
    },
    async saveCase() {
      const answer = await fetch("case", { method: "POST" });
      if (!answer.ok) return; // The server has reported the reason to every tab.
      const link = document.createElement("a");
      link.href = (await answer.json()).url;
      link.download = "";
      document.body.appendChild(link);
      link.click();
      link.remove();
    },
  };

  // trame's client holds back what was chosen or typed while it waits for any answer, and a press on a button does not
  // wait: it would be judged by what was chosen before. So what was chosen goes first, on the same line.
  const { state, client, trigger } = window.trame;
  // What is said here while the program may be gone, in the language that it speaks.
  const words = state.get("words");
  document.documentElement.lang = state.get("language");
  document.documentElement.style.setProperty("--no-connection", JSON.stringify(words.no_connection));
  window.trame.trigger = (...pressed) => {
    const keys = [...state.dirtyKeys];
    if (keys.length && client.isConnected()) {
      state.dirtyKeys.clear();
      const again = () => keys.forEach((key) => state.dirtyKeys.add(key));
      client.getRemote().Trame.updateState(keys.map((key) => ({ key, value: state.get(key) }))).catch(again);
    }
    return trigger(...pressed);
  };

  // What a tab in the background shows is seen by nobody: it is not rendered before the tab comes back.
  document.addEventListener("visibilitychange", () => {
    for (const view of document.querySelectorAll("[data-view]")) {
      const { width, height } = view.getBoundingClientRect();
      const size = document.hidden ? { w: 0, h: 0, p: 1 } : { w: width, h: height, p: window.devicePixelRatio };
      if (client.isConnected()) client.getConnection().getSession().call("trame.rca.size", [view.dataset.view, "tab", size]);
    }
  });

  // The page may be zoomed, and the pictures that trame-rca puts into the views are called by what they show.
  document.querySelector("meta[name=viewport]").content = "width=device-width, initial-scale=1";
  new MutationObserver(() => {
    for (const picture of document.querySelectorAll("[data-view] img:not([alt])")) {
      picture.alt = picture.closest("[data-view]").dataset.alt;
    }
  }).observe(document.body, { childList: true, subtree: true });

  // A connection that stands still says nothing of it. The program counts on several times a second as long as what it
  // shows is new; when that stays away, what stands here is old, and is shown as lost.
  const cutOffAfter_ms = 1000;
  // A tab that was held up itself (by a large layout, or a busy computer) may look at the clock before it takes in what has
  // come meanwhile. So time goes on for it only while it looks; one that stood still for long was asleep, and is out of date.
  const look_ms = 250;
  const asleep_ms = 5000;
  let looked = performance.now();
  let time_ms = 0;
  const time = () => {
    const passed = performance.now() - looked;
    looked += passed;
    time_ms += passed > asleep_ms ? passed : Math.min(passed, look_ms);
    return time_ms;
  };
  let lastHeartbeat = 10000; // The page is still being built.
  const banner = document.createElement("div");
  banner.id = "cut-off";
  banner.setAttribute("role", "alert");
  banner.textContent = words.cut_off;
  document.body.appendChild(banner);
  window.trame.state.addListener(({ type, keys }) => {
    if (type === "dirty-state" && keys.includes("heartbeat")) lastHeartbeat = time();
  });
  // Messages may also come in good time and have been long on their way. An answer waits in the same line as they do.
  let asked = null;
  let late = false;
  const echo = () => {
    if (asked !== null) return;
    asked = time();
    const answered = () => {
      late = time() - asked > cutOffAfter_ms;
      asked = null;
    };
    window.trame.trigger("crlm_echo").then(answered, answered); // Refused when the tab is being left.
  };
  setInterval(() => {
    const now = time();
    const isWaiting = asked !== null && now - asked > cutOffAfter_ms;
    document.body.classList.toggle("is-cut-off", now - lastHeartbeat > cutOffAfter_ms || ((late || isWaiting) && now > lastHeartbeat));
  }, 100);
  setInterval(echo, 500);
  setInterval(crlm.sound, 50);

  // When the program or the network goes away the page says so, and comes back by itself: the session lives there.
  // A program that was started anew knows nothing of what was seen here: that is said after the page was loaded again.
  const restarted = "crlm-restarted";
  const ask = () => fetch("alive", { cache: "no-store" });
  let run = null;
  ask().then(async (answer) => { if (answer.ok) run = await answer.text(); }, () => {});
  if (sessionStorage.getItem(restarted)) {
    sessionStorage.removeItem(restarted);
    const notice = document.createElement("div");
    notice.id = "restarted";
    notice.setAttribute("role", "alert");
    const close = document.createElement("button");
    close.textContent = words.close;
    close.onclick = () => notice.remove();
    notice.append(words.restarted, close);
    document.body.appendChild(notice);
  }

  const comeBack = () => {
    if (document.getElementById("lost")) return;
    lastHeartbeat = -Infinity;
    const notice = document.createElement("div");
    notice.id = "lost";
    const headline = document.createElement("b");
    headline.textContent = words.lost;
    notice.append(headline, document.createElement("br"), words.comes_back);
    document.body.appendChild(notice);
    const check = async () => {
      try {
        const answer = await ask();
        if (answer.ok && run !== null && (await answer.text()) !== run) sessionStorage.setItem(restarted, "yes");
        // 401: it is there again and asks for another token.
        if (answer.ok || answer.status === 401) return window.location.reload();
      } catch (error) {
        // Not yet.
      }
      setTimeout(check, 1000);
    };
    setTimeout(check, 1000);
  };
  window.trame.client.onConnectionClose(comeBack);
  window.trame.client.onConnectionError(comeBack);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.getElementById("saved-cases")) window.trame.state.set("choosing_case", false);
    if (!window.trame.state.get("keys").includes(event.key)) return;
    event.preventDefault();
    if (event.repeat) return;
    // Each tab for itself; the rest is done by the program.
    if (event.key === "F9") crlm.switchFullScreen();
    else window.trame.trigger("crlm_key", [event.key]);
  });
  // Escape leaves the browser's full screen: the panel comes back with it.
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && crlm.isFullScreen()) crlm.switchFullScreen(false);
  });
  window.trame.state.addListener(({ type, keys }) => {
    if (type === "dirty-state" && keys.includes("full_screen")) crlm.switchFullScreen(window.trame.state.get("full_screen"));
  });
  window.trame.utils.crlm = crlm;
})();
