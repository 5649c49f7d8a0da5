// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Updates a stack's page without reloading it: a screen reader reads each new status
// aloud once, and keeps its position.
"use strict";
(function () {
  const said = document.getElementById("said");
  async function look() {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("live"), here = document.getElementById("live");
      if (answer.ok && next.outerHTML !== here.outerHTML) {
        here.replaceWith(next);
        if (document.title !== page.title) { said.textContent = document.title = page.title; }
      }
    } catch (error) { /* the sandbox has stopped, or restarts */ }
    if (document.getElementById("live").dataset.settled !== "true") { setTimeout(look, 1000); }
  }
  look();
})();
