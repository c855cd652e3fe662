// Runs before everything else, in ES5: the script below it may be too new for this browser, or fail. Until that
// script shows a page, and when it stops, the page says which day it is from (#day), and loads itself again as soon
// as the server answers. Without any script, #day shows too.
(function () {
  "use strict";
  var root = document.documentElement, minute = 60000, silent = 0;
  root.setAttribute("data-script", "starting");

  // Not without an answer: a player would stay on the browser's error page.
  function reload() {
    var request = new XMLHttpRequest();
    request.onload = function () {
      if (request.status === 200 && /<\/html>\s*$/.test(request.responseText)) location.reload();
    };
    request.open("GET", location.pathname + "?" + Number(new Date()));
    request.send();
  }

  // The script sets data-alive every minute.
  function look() {
    silent = root.getAttribute("data-alive") ? 0 : silent + 1;
    root.removeAttribute("data-alive");
    if (silent === 5 || (silent && root.getAttribute("data-script") === "starting")) {
      root.setAttribute("data-script", "stopped");
    }
    if (silent && silent % 5 === 0) reload();
  }
  setTimeout(look, 15000);
  setInterval(look, minute);
})();
