// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Shows how the connection goes, without loading the page again. The server has
// escaped everything; what a person has typed meanwhile stays.
"use strict";
(function () {
  const place = document.getElementById("status");
  let shown = null, pause = 3000;
  async function look() {
    try {
      if (document.visibilityState === "visible") {
        const answer = await fetch("/connect/status", { credentials: "same-origin", cache: "no-store" });
        if (answer.status === 401 || answer.status === 410) { location.reload(); return; }
        if (answer.ok) {
          const text = await answer.text();
          const typing = place.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
          if (shown !== null && text !== shown && !typing) { place.innerHTML = text; }
          if (shown === null || !typing) { shown = text; }
          pause = 3000;
        } else { pause = Math.min(pause * 2, 30000); }
      }
    } catch (lost) { pause = Math.min(pause * 2, 30000); }
    setTimeout(look, pause);
  }
  look();
})();
