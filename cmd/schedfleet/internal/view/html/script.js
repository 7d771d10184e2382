'use strict';
// The page is whole without this: it only makes pointing and filtering quicker.
(function () {
  function filter() {
    var box = document.querySelector('.filter'), rows = document.querySelectorAll('#findings tbody tr');
    var kinds = ['All'];
    rows.forEach(function (row) { if (kinds.indexOf(row.dataset.verdict) < 0) kinds.push(row.dataset.verdict); });
    if (!box || kinds.length < 3) return;
    kinds.forEach(function (kind) {
      var button = document.createElement('button');
      button.type = 'button';
      button.textContent = kind;
      button.setAttribute('aria-pressed', String(kind === 'All'));
      button.addEventListener('click', function () {
        rows.forEach(function (row) { row.hidden = kind !== 'All' && row.dataset.verdict !== kind; });
        box.querySelectorAll('button').forEach(function (b) { b.setAttribute('aria-pressed', String(b === button)); });
      });
      box.append(button);
    });
    box.hidden = false;
  }

  function time(ns) {
    if (ns < 1e3) return Math.round(ns) + 'ns';
    if (ns < 1e6) return (ns / 1e3).toPrecision(3) + 'µs';
    if (ns < 1e9) return (ns / 1e6).toPrecision(3) + 'ms';
    return (ns / 1e9).toPrecision(4) + 's';
  }

  // tips shows what stands in the titles of shapes at once, instead of after a while.
  function tips() {
    var tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    document.body.append(tip);
    document.querySelectorAll('svg').forEach(function (svg) {
      svg.querySelectorAll('title').forEach(function (title) {
        title.parentNode.dataset.tip = title.textContent;
        title.remove();
      });
      svg.addEventListener('pointermove', function (event) {
        var text = event.target.dataset && event.target.dataset.tip;
        tip.hidden = !text;
        if (!text) return;
        tip.textContent = text;
        place(tip, event.clientX, event.clientY, window.innerWidth);
      });
      svg.addEventListener('pointerleave', function () { tip.hidden = true; });
    });
  }

  function place(tip, x, y, width) {
    tip.style.left = Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 8)) + 'px';
    tip.style.top = (y + 16) + 'px';
  }

  function map() {
    var figure = document.getElementById('map'), data = document.getElementById('map-data');
    if (!figure || !data) return;
    data = JSON.parse(data.textContent);
    var svg = figure.querySelector('svg'), out = figure.querySelector('output');
    svg.addEventListener('pointermove', function (event) {
      var box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      var x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      var row = data.tops.findIndex(function (top) { return y >= top && y < +top + +data.height; });
      var part = (x - data.left) / data.width;
      out.hidden = row < 0 || part < 0 || part >= 1 || event.target.dataset.tip !== undefined;
      if (out.hidden) return;
      var letters = data.rows[row], group = letters.charCodeAt(Math.floor(part * letters.length)) - 98;
      out.textContent = 'CPU ' + data.labels[row] + ' at ' + time(part * data.hold) + ': ' + (group < 0 ? 'no group' : data.groups[group]);
      var around = figure.getBoundingClientRect();
      place(out, event.clientX - around.left, event.clientY - around.top, around.width);
    });
    svg.addEventListener('pointerleave', function () { out.hidden = true; });
  }

  filter();
  tips();
  map();
})();
