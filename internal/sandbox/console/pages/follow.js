// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Follows a stack without loading the page again: a screen reader hears each new
// status once, and keeps its place.
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
    } catch (gone) { /* the sandbox has stopped, or starts again */ }
    if (document.getElementById("live").dataset.settled !== "true") { setTimeout(look, 1000); }
  }
  look();
})();
