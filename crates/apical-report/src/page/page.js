"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 64, RIGHT = 16, TOP = 8, BOTTOM = 42, COLOURS = 7, MOST_KEYS = 24, CLICK = 8, DEEPEST = 1e-3;

  const element = (name, attributes, parent, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const html = (name, className, parent, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };
  const button = (parent, text, label, act) => {
    const made = html("button", "", parent, text);
    made.type = "button";
    if (label) made.title = label;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const shown = (v, digits = 4) => {
    if (v === null || !Number.isFinite(v)) return "none";
    if (v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e6)) return String(Number(v.toPrecision(digits)).toExponential());
    return String(Number(v.toPrecision(digits)));
  };
  // Digits that tell neighbouring ticks apart.
  const apart = (list) => {
    const most = Math.max(...list.map(Math.abs)), step = Math.abs(list[1] - list[0]);
    return list.length > 1 && most > 0 ? between(Math.ceil(Math.log10(most / step)) + 2, 4, 12) : 4;
  };
  const between = (v, low, high) => Math.max(low, Math.min(high, v));

  const ticks = (low, high, isLog, most) => {
    const list = [];
    if (isLog && high - low >= 1) {
      const step = Math.max(1, Math.ceil((high - low) / most));
      for (let e = Math.ceil(low); e <= high; e += step) list.push(e);
      return list;
    }
    const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= rough) || 10 * power;
    for (let i = Math.ceil(low / step); i * step <= high && list.length < 20; i++) list.push(i * step);
    return list;
  };

  const chart = (figure, data) => {
    let W = 600, H = 300;
    const hidden = new Set();
    // A key without colour stands for all lines of its dash, one with colour for all of that colour.
    const isOf = (line, key) => (key.colour === null ? String(key.dash) === String(line.dash) : key.colour === line.colour);
    data.keys = data.keys.filter((key) => data.lines.some((line) => isOf(line, key)));
    const isHidden = (line) => line && data.keys.some((key) => hidden.has(key) && isOf(line, key));
    const up = (v) => (v === null ? NaN : data.log ? (v > 0 ? Math.log10(v) : NaN) : v);
    const back = (v) => (data.log ? 10 ** v : v);
    const ends = (values) => {
      let low = Infinity, high = -Infinity;
      for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      if (low > high) return [0, 1];
      const room = low === 0 ? 0.5 : 0.1 * Math.abs(low);
      return low === high ? [low - room, high + room] : [low, high];
    };
    const all = { x: ends(data.positions.flat()) };
    const tall = data.lines.flatMap((l) => l.y.map(up)).concat(data.bands.flatMap((b) => [...b.low, ...b.high].map(up)));
    const [low, high] = ends(tall);
    all.y = data.range || [low - 0.03 * (high - low), high + 0.03 * (high - low)];
    const view = { x: [...all.x], y: [...all.y] };
    const px = (x) => LEFT + ((x - view.x[0]) / (view.x[1] - view.x[0])) * (W - LEFT - RIGHT);
    const py = (y) => H - BOTTOM - ((y - view.y[0]) / (view.y[1] - view.y[0])) * (H - TOP - BOTTOM);
    const atX = (p) => view.x[0] + ((p - LEFT) / (W - LEFT - RIGHT)) * (view.x[1] - view.x[0]);
    const atY = (p) => view.y[0] + ((H - BOTTOM - p) / (H - TOP - BOTTOM)) * (view.y[1] - view.y[0]);

    const live = html("div", "live", figure);
    figure.insertBefore(live, figure.querySelector(".values"));
    const svg = element("svg", { tabindex: 0, role: "application", "aria-roledescription": "chart" }, live);
    const picture = figure.querySelector(".paper");
    svg.setAttribute("aria-label", `${picture.getAttribute("aria-label")}. Arrow keys: points and curves; plus, minus: zoom; 0: all.`);
    const clip = `live-${figure.dataset.chart}`;
    const window_ = element("rect", { x: LEFT, y: TOP }, element("clipPath", { id: clip }, svg));
    const frame = element("g", {}, svg), inside = element("g", { "clip-path": `url(#${clip})` }, svg);
    const top = element("g", {}, svg);
    const tip = html("div", "tip", live);
    tip.setAttribute("role", "status");

    const path = (xs, ys) => {
      let d = "", pen = false;
      xs.forEach((x, i) => {
        const y = up(ys[i]);
        if (Number.isFinite(y)) d += `${pen ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}${pen ? "" : "h0.01"}`;
        pen = Number.isFinite(y);
      });
      return d;
    };
    let curves = [];
    const draw = () => {
      svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
      svg.setAttribute("height", H);
      window_.setAttribute("width", W - LEFT - RIGHT);
      window_.setAttribute("height", H - TOP - BOTTOM);
      frame.replaceChildren();
      inside.replaceChildren();
      const across = ticks(...view.x, false, between(W / 90, 2, 6)), upwards = ticks(...view.y, data.log, between(H / 50, 3, 6));
      const [ofX, ofY] = [apart(across), apart(upwards.map(back))];
      for (const t of across) {
        element("line", { class: "grid-line", x1: px(t), x2: px(t), y1: TOP, y2: H - BOTTOM }, frame);
        element("text", { x: px(t), y: H - BOTTOM + 16, "text-anchor": "middle" }, frame, shown(t, ofX));
      }
      for (const t of upwards) {
        element("line", { class: "grid-line", x1: LEFT, x2: W - RIGHT, y1: py(t), y2: py(t) }, frame);
        element("text", { x: LEFT - 8, y: py(t) + 4, "text-anchor": "end" }, frame, shown(back(t), ofY));
      }
      element("path", { class: "axis", d: `M${LEFT} ${TOP}V${H - BOTTOM}H${W - RIGHT}` }, frame);
      element("text", { class: "title", x: (LEFT + W - RIGHT) / 2, y: H - 6, "text-anchor": "middle" }, frame, data.x);
      element("text", { class: "title", transform: `translate(12 ${(TOP + H - BOTTOM) / 2}) rotate(-90)`, "text-anchor": "middle" }, frame, data.y);
      for (const band of data.bands) {
        if (isHidden(data.lines.find((l) => l.name === band.name))) continue;
        const xs = data.positions[band.x], points = [];
        const edge = (ys) => xs.map((x, i) => [px(x), py(up(ys[i]))]);
        for (const [x, y] of [...edge(band.low), ...edge(band.high).reverse()]) if (Number.isFinite(y)) points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
        element("polygon", { class: `band f${band.colour % COLOURS}`, points: points.join(" ") }, inside);
      }
      curves = data.lines.map((line) => element("path", {
        class: `curve c${line.colour % COLOURS}`, d: isHidden(line) ? "" : path(data.positions[line.x], line.y), "stroke-linecap": "round",
        "stroke-dasharray": line.dash.map((d) => 1.8 * d).join(" "),
      }, inside));
      // A curve of a single value has no length.
      data.lines.forEach((line) => {
        const found = line.y.flatMap((y, i) => (Number.isFinite(up(y)) ? [i] : []));
        if (found.length === 1 && !isHidden(line)) {
          element("circle", { class: `f${line.colour % COLOURS}`, cx: px(data.positions[line.x][found[0]]), cy: py(up(line.y[found[0]])), r: 3.5 }, inside);
        }
      });
      const zoomed = view.x[0] !== all.x[0] || view.x[1] !== all.x[1] || view.y[0] !== all.y[0] || view.y[1] !== all.y[1];
      reset.disabled = !zoomed;
    };

    let chosen = null;
    const leave = () => {
      top.replaceChildren();
      tip.replaceChildren();
      curves.forEach((c) => c.classList.remove("dim"));
    };
    const point = (line, index) => {
      chosen = { line, index };
      const curve = data.lines[line], x = data.positions[curve.x][index], y = curve.y[index];
      const v = up(y), seen = Number.isFinite(v) && x >= view.x[0] && x <= view.x[1] && v >= view.y[0] && v <= view.y[1];
      leave();
      curves.forEach((c, i) => c.classList.toggle("dim", i !== line && data.lines.length > 1));
      if (seen) {
        element("line", { class: "cursor", x1: px(x), x2: px(x), y1: TOP, y2: H - BOTTOM }, top);
        element("circle", { class: `f${curve.colour % COLOURS}`, cx: px(x), cy: py(v), r: 4.5 }, top);
      }
      html("b", "", tip, `${data.y} ${shown(y)}`);
      const band = data.bands.find((b) => b.name === curve.name && b.x === curve.x);
      if (band) html("span", "", tip, `seeds from ${shown(band.low[index])} to ${shown(band.high[index])}`);
      html("span", "", tip, `${data.x} ${shown(x)}`);
      if (curve.name) html("span", "", tip, curve.name);
      const at = { x: between(px(x), LEFT, W), y: Number.isFinite(v) ? between(py(v), TOP, H) : H / 2 };
      const left = at.x + 14 + tip.offsetWidth > W ? at.x - 14 - tip.offsetWidth : at.x + 14;
      tip.style.left = `${Math.max(0, left)}px`;
      tip.style.top = `${between(at.y - tip.offsetHeight - 8, 0, H)}px`;
    };
    const nearest = (p) => {
      let best = null;
      data.lines.forEach((curve, line) => {
        if (isHidden(curve)) return;
        const xs = data.positions[curve.x];
        xs.forEach((x, index) => {
          const y = up(curve.y[index]);
          if (!Number.isFinite(y) || x < view.x[0] || x > view.x[1]) return;
          const far = Math.abs(px(x) - p.x) * 3 + Math.abs(py(y) - p.y);
          if (!best || far < best.far) best = { line, index, far };
        });
      });
      if (best) point(best.line, best.index);
    };
    // Deeper there is nothing: data have five digits.
    const deep = (range, whole) => {
      const least = DEEPEST * (whole[1] - whole[0]), middle = (range[0] + range[1]) / 2;
      return range[1] - range[0] < least ? [middle - least / 2, middle + least / 2] : range;
    };
    const show = (x, y) => {
      [x, y] = [deep(x, all.x), deep(y, all.y)];
      Object.assign(view, { x, y });
      draw();
      leave();
    };
    const whole = () => show([...all.x], [...all.y]);
    const zoom = (factor, x, y) => {
      const to = (range, at) => range.map((v) => at + (v - at) * factor), wide = all.x[1] - all.x[0];
      const [a, b] = to(view.x, x);
      if (b - a > 1.001 * wide) return whole();
      const isDeep = b - a < DEEPEST * wide;
      if (!isDeep) show([a, b], y === undefined ? view.y : to(view.y, y));
    };
    // Buttons and keys know of no height, where a curve could be lost.
    const middle = () => [(view.x[0] + view.x[1]) / 2];
    const tools = html("div", "tools", live);
    button(tools, "+", "Zoom in", () => zoom(1 / 1.5, ...middle()));
    button(tools, "\u2212", "Zoom out", () => zoom(1.5, ...middle()));
    const reset = button(tools, "\u21ba", "Show all", whole);

    const where = (event) => {
      const box = svg.getBoundingClientRect();
      return { x: ((event.clientX - box.left) / box.width) * W, y: ((event.clientY - box.top) / box.height) * H };
    };
    let start = null, choice = null;
    svg.addEventListener("wheel", (event) => {
      // Without a key the wheel goes on to scroll the page, unless the chart has been chosen.
      if (document.activeElement !== svg && !event.ctrlKey) return;
      event.preventDefault();
      const p = where(event);
      zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, atX(p.x), atY(p.y));
    }, { passive: false });
    // What is drawn: a part of the times, and a part of the values if it is high enough to be meant.
    const drawn = (from, p) => {
      const flat = Math.abs(p.y - from.y) < 3 * CLICK;
      return {
        x: [Math.min(from.x, p.x), Math.max(from.x, p.x)],
        y: flat ? [TOP, H - BOTTOM] : [Math.min(from.y, p.y), Math.max(from.y, p.y)],
      };
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = where(event);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const p = where(event);
      if (!start) return nearest(p);
      if (choice) choice.remove();
      const { x, y } = drawn(start, p);
      choice = element("rect", { class: "choice", x: x[0], y: y[0], width: x[1] - x[0], height: y[1] - y[0] }, svg);
    });
    const drop = () => {
      start = null;
      if (choice) choice.remove();
      choice = null;
    };
    svg.addEventListener("pointerup", (event) => {
      const p = where(event), from = start;
      drop();
      if (!from) return;
      if (Math.abs(p.x - from.x) < CLICK) return nearest(p);
      const { x, y } = drawn(from, p);
      show(x.map((v) => atX(between(v, LEFT, W - RIGHT))), [atY(Math.min(y[1], H - BOTTOM)), atY(Math.max(y[0], TOP))]);
    });
    svg.addEventListener("pointercancel", drop);
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("blur", leave);
    svg.addEventListener("dblclick", whole);
    svg.addEventListener("keydown", (event) => {
      const { line, index } = chosen || { line: 0, index: -1 };
      const count = (l) => data.lines[l].y.length;
      const to = (l, i) => point(l, between(i, 0, count(l) - 1));
      const other = (step) => (line + step + data.lines.length) % data.lines.length;
      const keys = {
        ArrowRight: () => to(line, index + 1), ArrowLeft: () => to(line, index - 1),
        ArrowDown: () => to(other(1), index), ArrowUp: () => to(other(-1), index),
        Home: () => to(line, 0), End: () => to(line, count(line) - 1),
        "+": () => zoom(1 / 1.5, ...middle()), "=": () => zoom(1 / 1.5, ...middle()), "-": () => zoom(1.5, ...middle()),
        "0": whole, Escape: leave,
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });

    if (data.keys.length <= MOST_KEYS && data.keys.some((key) => key.name)) {
      const legend = html("ul", "legend", live);
      for (const key of data.keys) {
        const toggle = button(html("li", "", legend), "", "", () => {
          hidden.has(key) ? hidden.delete(key) : hidden.add(key);
          toggle.setAttribute("aria-pressed", String(!hidden.has(key)));
          draw();
          leave();
        });
        toggle.setAttribute("aria-pressed", "true");
        toggle.title = "Show or hide";
        const sample = element("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" }, toggle);
        const colour = key.colour === null ? "axis" : `c${key.colour % COLOURS}`;
        element("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: `curve ${colour}`, "stroke-dasharray": key.dash.map((d) => 1.8 * d).join(" ") }, sample);
        toggle.append(key.name);
      }
    }
    new ResizeObserver(() => {
      const wide = Math.max(240, live.clientWidth);
      if (live.clientWidth === 0 || wide === W) return;
      W = wide;
      H = Math.round(between(0.52 * W, 210, 340));
      draw();
      leave();
    }).observe(live);
    draw();
  };

  const sortable = (table) => {
    const heads = [...table.querySelectorAll("thead th")], body = table.tBodies[0];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const rises = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rises ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        return "number" in cell.dataset ? Number(cell.dataset.number) : cell.textContent;
      };
      const order = (a, b) => {
        // What is empty stands last either way.
        if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
        const numbers = typeof a === "number" && typeof b === "number";
        return (rises ? 1 : -1) * (numbers ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));
      };
      body.append(...[...body.rows].sort((a, b) => order(key(a), key(b))));
    }));
  };

  const root = document.documentElement, theme = document.getElementById("theme");
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefers.matches);
  const name = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  prefers.addEventListener("change", name);
  name();

  root.classList.add("scripted");
  const data = JSON.parse(document.getElementById("charts").textContent);
  document.querySelectorAll(".chart").forEach((figure) => chart(figure, data[Number(figure.dataset.chart)]));
  document.querySelectorAll("table.sortable").forEach(sortable);
  // What is folded away is wanted on paper.
  addEventListener("beforeprint", () => document.querySelectorAll("details:not(.values)").forEach((d) => { d.open = true; }));
})();
