// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Shows how the connection goes, without loading the page again. The server has
// escaped everything; what a person has typed meanwhile stays.
"use strict";
(function () {
  const place = document.getElementById("status"), said = document.getElementById("said"), lost = document.getElementById("lost");
  const soon = 3000, longest = 30000, title = document.querySelector("h1").textContent;
  let version = place.dataset.version, pause = soon, timer = 0, looking = false;

  // typed reports whether a person is in the middle of typing.
  function typed() {
    const field = document.activeElement;
    return field.tagName === "INPUT" && place.contains(field) && field.value !== field.defaultValue;
  }

  // show replaces the changed part, and announces it to screen readers. If the focus
  // was in it, the focus moves to the top of the new text.
  function show(next) {
    const focused = place.contains(document.activeElement);
    place.replaceChildren(next);
    if (focused) { place.focus({ preventScroll: true }); }
    const heading = place.querySelector("h2"), sentence = place.querySelector("h2 ~ p, h2 ~ ol > li");
    document.title = heading.textContent + " – " + title;
    said.textContent = heading.textContent + ". " + (sentence ? sentence.textContent : "");
  }

  async function ask() {
    const answer = await fetch("/connect/status", { credentials: "same-origin", cache: "no-store" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) { throw new Error(answer.status); }
    const page = document.createElement("template"), now = answer.headers.get("ETag");
    page.innerHTML = await answer.text();
    pause = 1000 * Number(answer.headers.get("Retry-After")) || soon;
    lost.hidden = true;
    if (now !== version) {
      if (typed()) { return; }
      version = now;
      show(page.content);
      return;
    }
    const button = document.getElementById("launch"), fresh = page.content.querySelector("#launch");
    if (button && fresh) { button.href = fresh.href; } // a signed address gets old
  }

  async function look() {
    clearTimeout(timer);
    if (looking || document.visibilityState !== "visible") { return; }
    looking = true;
    try { await ask(); } catch (gone) {
      lost.hidden = pause === soon; // the first failure may be a hiccup
      pause = Math.min(pause * 2, longest);
    }
    looking = false;
    timer = setTimeout(look, pause);
  }
  document.addEventListener("visibilitychange", look);
  look();
})();
