// Copyright (c) The xacct authors. SPDX-License-Identifier: MPL-2.0
// Everything that matters of a quick-create link follows the #, which a browser does
// not send to a server: move it to where the server reads it.
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
