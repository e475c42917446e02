"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const W = 720, H = 320, LEFT = 70, RIGHT = 12, TOP = 10, BOTTOM = 44;
  const COLOURS = 7, MOST_KEYS = 24;

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
  const shown = (v) => {
    if (v === null || !Number.isFinite(v)) return "none";
    if (v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e6)) return v.toExponential(3);
    return String(Number(v.toPrecision(5)));
  };

  const ticks = (low, high, isLog) => {
    const list = [];
    if (isLog && high - low >= 1) {
      const step = Math.max(1, Math.ceil((high - low) / 6));
      for (let e = Math.ceil(low); e <= high; e += step) list.push(e);
      return list;
    }
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= rough);
    for (let i = Math.ceil(low / step); i * step <= high && list.length < 20; i++) list.push(i * step);
    return list;
  };

  const chart = (figure, data) => {
    const up = (v) => (v === null ? NaN : data.log ? (v > 0 ? Math.log10(v) : NaN) : v);
    const back = (v) => (data.log ? 10 ** v : v);
    const ends = (values) => {
      let low = Infinity, high = -Infinity;
      for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      if (low > high) return [0, 1];
      return low === high ? [low - 0.5, high + 0.5] : [low, high];
    };
    const all = { x: ends(data.positions.flat()) };
    const tall = data.lines.flatMap((l) => l.y.map(up)).concat(data.bands.flatMap((b) => [...b.low, ...b.high].map(up)));
    const [low, high] = ends(tall);
    all.y = [low - 0.03 * (high - low), high + 0.03 * (high - low)];
    const view = { x: [...all.x], y: [...all.y] };
    const px = (x) => LEFT + ((x - view.x[0]) / (view.x[1] - view.x[0])) * (W - LEFT - RIGHT);
    const py = (y) => H - BOTTOM - ((y - view.y[0]) / (view.y[1] - view.y[0])) * (H - TOP - BOTTOM);
    const atX = (p) => view.x[0] + ((p - LEFT) / (W - LEFT - RIGHT)) * (view.x[1] - view.x[0]);
    const atY = (p) => view.y[0] + ((H - BOTTOM - p) / (H - TOP - BOTTOM)) * (view.y[1] - view.y[0]);

    const live = html("div", "live", figure);
    figure.insertBefore(live, figure.querySelector(".values"));
    const svg = element("svg", { viewBox: `0 0 ${W} ${H}`, tabindex: 0, role: "group" }, live);
    svg.setAttribute("aria-label",
      `${data.title}, ${data.lines.length} curves. Left and right: points; up and down: curves; plus and minus: zoom; 0: all.`);
    const clip = `live-${figure.dataset.chart}`;
    const defined = element("clipPath", { id: clip }, svg);
    element("rect", { x: LEFT, y: TOP, width: W - LEFT - RIGHT, height: H - TOP - BOTTOM }, defined);
    const frame = element("g", {}, svg), inside = element("g", { "clip-path": `url(#${clip})` }, svg);
    const top = element("g", {}, svg);
    const readout = html("p", "readout", live, "");
    readout.setAttribute("aria-live", "polite");
    if (data.lines.length <= MOST_KEYS && data.lines.some((l) => l.name)) {
      const legend = html("ul", "legend", live);
      for (const line of data.lines) {
        const item = html("li", "", legend);
        const sample = element("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, item);
        element("line", { x1: 0, x2: 30, y1: 5, y2: 5, class: `curve c${line.colour % COLOURS}`, "stroke-dasharray": line.dash.map((d) => 1.6 * d).join(" ") }, sample);
        item.append(line.name);
      }
    }
    const reset = html("button", "", live, "Show all");
    reset.type = "button";

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
      frame.replaceChildren();
      inside.replaceChildren();
      for (const t of ticks(...view.x, false)) {
        element("line", { class: "grid", x1: px(t), x2: px(t), y1: TOP, y2: H - BOTTOM }, frame);
        element("text", { x: px(t), y: H - BOTTOM + 16, "text-anchor": "middle" }, frame, shown(t));
      }
      for (const t of ticks(...view.y, data.log)) {
        element("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: py(t), y2: py(t) }, frame);
        element("text", { x: LEFT - 6, y: py(t) + 4, "text-anchor": "end" }, frame, shown(back(t)));
      }
      element("rect", { class: "axis", x: LEFT, y: TOP, width: W - LEFT - RIGHT, height: H - TOP - BOTTOM }, frame);
      element("text", { x: (LEFT + W - RIGHT) / 2, y: H - 8, "text-anchor": "middle" }, frame, data.x);
      element("text", { transform: `translate(14 ${(TOP + H - BOTTOM) / 2}) rotate(-90)`, "text-anchor": "middle" }, frame, data.y);
      for (const band of data.bands) {
        const xs = data.positions[band.x], points = [];
        const edge = (ys) => xs.map((x, i) => [px(x), py(up(ys[i]))]);
        for (const [x, y] of [...edge(band.low), ...edge(band.high).reverse()]) if (Number.isFinite(y)) points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
        element("polygon", { class: `band f${band.colour % COLOURS}`, points: points.join(" ") }, inside);
      }
      curves = data.lines.map((line) => element("path", {
        class: `curve c${line.colour % COLOURS}`, d: path(data.positions[line.x], line.y), "stroke-linecap": "round",
        "stroke-dasharray": line.dash.map((d) => 1.6 * d).join(" "),
      }, inside));
    };

    let chosen = null;
    const point = (line, index) => {
      chosen = { line, index };
      const curve = data.lines[line], x = data.positions[curve.x][index], y = curve.y[index];
      top.replaceChildren();
      curves.forEach((c, i) => c.classList.toggle("dim", i !== line && data.lines.length > 1));
      if (x >= view.x[0] && x <= view.x[1]) {
        element("line", { class: "cursor", x1: px(x), x2: px(x), y1: TOP, y2: H - BOTTOM }, top);
        const v = up(y);
        if (v >= view.y[0] && v <= view.y[1]) element("circle", { class: `f${curve.colour % COLOURS}`, cx: px(x), cy: py(v), r: 4 }, top);
      }
      readout.textContent = `${curve.name || data.title}: ${data.x} ${shown(x)}, ${data.y} ${shown(y)}`;
    };
    const leave = () => {
      top.replaceChildren();
      curves.forEach((c) => c.classList.remove("dim"));
    };
    const nearest = (p) => {
      let best = null;
      data.lines.forEach((curve, line) => {
        const xs = data.positions[curve.x];
        xs.forEach((x, index) => {
          const y = up(curve.y[index]);
          if (!Number.isFinite(y)) return;
          const far = Math.abs(px(x) - p.x) * 3 + Math.abs(py(y) - p.y);
          if (!best || far < best.far) best = { line, index, far };
        });
      });
      if (best) point(best.line, best.index);
    };
    const zoom = (factor, x, y) => {
      view.x = view.x.map((v) => x + (v - x) * factor);
      view.y = view.y.map((v) => y + (v - y) * factor);
      const whole = all.x[1] - all.x[0];
      if (view.x[1] - view.x[0] > 4 * whole || !(view.x[1] - view.x[0] > 1e-6 * whole)) Object.assign(view, { x: [...all.x], y: [...all.y] });
      draw();
      leave();
    };
    const whole = () => {
      Object.assign(view, { x: [...all.x], y: [...all.y] });
      draw();
      leave();
    };
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
    svg.addEventListener("pointerdown", (event) => {
      start = where(event);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const p = where(event);
      if (!start) return nearest(p);
      if (choice) choice.remove();
      choice = element("rect", { class: "choice", x: Math.min(start.x, p.x), y: Math.min(start.y, p.y), width: Math.abs(p.x - start.x), height: Math.abs(p.y - start.y) }, svg);
    });
    const drop = () => {
      start = null;
      if (choice) choice.remove();
      choice = null;
    };
    svg.addEventListener("pointerup", (event) => {
      const p = where(event), from = start;
      drop();
      if (!from || Math.abs(p.x - from.x) < 8 || Math.abs(p.y - from.y) < 8) return;
      const sorted = (a, b) => [Math.min(a, b), Math.max(a, b)];
      Object.assign(view, { x: sorted(atX(from.x), atX(p.x)), y: sorted(atY(from.y), atY(p.y)) });
      draw();
      leave();
    });
    svg.addEventListener("pointercancel", drop);
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("dblclick", whole);
    reset.addEventListener("click", whole);
    svg.addEventListener("keydown", (event) => {
      const { line, index } = chosen || { line: 0, index: -1 };
      const count = (l) => data.lines[l].y.length;
      const to = (l, i) => point(l, Math.max(0, Math.min(count(l) - 1, i)));
      const middle = () => [(view.x[0] + view.x[1]) / 2, (view.y[0] + view.y[1]) / 2];
      const keys = {
        ArrowRight: () => to(line, index + 1), ArrowLeft: () => to(line, index - 1),
        ArrowDown: () => to((line + 1) % data.lines.length, index),
        ArrowUp: () => to((line + data.lines.length - 1) % data.lines.length, index),
        Home: () => to(line, 0), End: () => to(line, count(line) - 1),
        "+": () => zoom(1 / 1.5, ...middle()), "=": () => zoom(1 / 1.5, ...middle()), "-": () => zoom(1.5, ...middle()),
        "0": whole, Escape: leave,
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
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

  document.documentElement.classList.add("scripted");
  const data = JSON.parse(document.getElementById("charts").textContent);
  document.querySelectorAll(".chart").forEach((figure) => chart(figure, data[Number(figure.dataset.chart)]));
  document.querySelectorAll("table.sortable").forEach(sortable);
})();
