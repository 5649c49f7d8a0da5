// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Moves the content of a link to the query: it follows the #, and browsers do not send
// that to the server.
"use strict";
(function () {
  const hash = location.hash, cut = hash.indexOf("?");
  const route = hash.slice(1, cut < 0 ? undefined : cut), query = cut < 0 ? "" : hash.slice(cut + 1);
  if (route.startsWith("/") && !route.includes("..")) {
    location.replace("/console/cloudformation" + route + location.search + (location.search ? "&" : "?") + query);
  } else {
    location.replace("/console/");
  }
})();
