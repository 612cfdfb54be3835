"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MOST_ROWS = 500;         // shown at first; the rest on request
  const REACH = 24;              // largest distance from the pointer to a point with a tooltip, in units of the image
  const SVG = "http://www.w3.org/2000/svg";

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // --- figures: a choice of views, tooltips, groups that can be hidden -------------------------------------------

  const tip = document.getElementById("tip");
  const place = (axis, value) => axis.start + axis.slope * (axis.log ? Math.log10(value) : value);
  const number = (value) => String(Number(value.toPrecision(6)));

  const pointsOf = (view) => view.series.flatMap((series, index) => series.texts.length === 0 ? [] : series.x.map((x, at) => ({
    index, value: series.y[at], x: place(view.x, x), y: place(view.y, series.y[at]),
    text: series.texts[series.texts.length === 1 ? 0 : at].replace("{x}", number(x)).replace("{y}", number(series.y[at])),
  })).filter(({ value }) => view.within[0] <= value && value <= view.within[1]));

  const enliven = (svg, view) => {
    const all = (id) => svg.querySelectorAll(`[id^="${view.prefix}${id}-"]`);
    const hidden = new Set();
    let points = null;

    const ring = document.createElementNS(SVG, "circle");
    ring.setAttribute("class", "ring");
    ring.setAttribute("r", 5);
    ring.setAttribute("visibility", "hidden");
    svg.append(ring);

    const leave = () => { tip.hidden = true; ring.setAttribute("visibility", "hidden"); };
    const isHidden = (index) => view.entries.some((members, entry) => hidden.has(entry) && members.includes(index));

    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("pointermove", (event) => {
      points = points || pointsOf(view);
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let nearest = null, least = REACH;
      for (const point of points) {
        const distance = Math.hypot(point.x - at.x, point.y - at.y);
        if (distance < least && !isHidden(point.index)) { nearest = point; least = distance; }
      }
      if (nearest === null) return leave();
      const same = new Set(points.filter((point) => Math.hypot(point.x - nearest.x, point.y - nearest.y) < 1 && !isHidden(point.index)).map((point) => point.text));
      ring.setAttribute("cx", nearest.x);
      ring.setAttribute("cy", nearest.y);
      ring.setAttribute("visibility", "visible");
      const shown = [...same].slice(0, 6);
      tip.textContent = [...shown, ...(same.size > shown.length ? [`… and ${same.size - shown.length} more here`] : [])].join("\n");
      tip.hidden = false;
      tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8)}px`;
    });

    view.entries.forEach((members, entry) => {
      const toggle = () => {
        if (!hidden.delete(entry)) hidden.add(entry);
        all(`entry-${entry}`).forEach((part) => part.classList.toggle("off", hidden.has(entry)));
        members.forEach((index) => all(`series-${index}`).forEach((part) => part.classList.toggle("gone", isHidden(index))));
      };
      all(`entry-${entry}`).forEach((part, count) => {
        part.classList.add("entry");
        part.addEventListener("click", toggle);
        if (count > 0) return;
        part.setAttribute("tabindex", 0);
        part.setAttribute("role", "button");
        part.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); } });
      });
    });
  };

  const save = (svg, name) => {
    const copy = svg.cloneNode(true);
    copy.setAttribute("style", `--font: ${getComputedStyle(svg).fontFamily}`);
    const href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    make("a", { href, download: `${name}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  };

  document.querySelectorAll(".figure").forEach((figure, index) => {
    const views = [...figure.querySelectorAll(".view")];
    const controls = make("div", { className: "controls" });
    let shown = 0;
    const show = (chosen) => { shown = chosen; views.forEach((view, at) => { view.hidden = at !== chosen; }); };
    if (views.length > 1) {
      const select = make("select", { ariaLabel: "view" }, ...views.map((view, at) => make("option", { value: at }, view.dataset.name)));
      select.addEventListener("change", () => show(Number(select.value)));
      controls.append(make("label", {}, "show ", select));
    }
    const button = make("button", { type: "button" }, "save as SVG");
    button.addEventListener("click", () => save(views[shown].querySelector("svg"), figure.id));
    controls.append(button);
    figure.querySelector("p").after(controls);
    views.forEach((view, at) => enliven(view.querySelector("svg"), data[index][at]));
    show(0);
  });

  // --- table of runs ---------------------------------------------------------------------------------------------

  const body = document.querySelector("#runs-table tbody");
  const rows = [...body.rows];
  const haystack = rows.map((row) => `${row.title} ${row.textContent}`.toLowerCase());
  const heads = [...document.querySelectorAll("#runs-table thead th")];
  const state = { sort: -1, down: false, words: [], all: false };

  const valueOf = (row) => {
    const cell = row.cells[state.sort];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  };

  const compareRows = (a, b) => {
    const [one, other] = [valueOf(a), valueOf(b)], missing = (value) => value === "" || value === "–";
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true });
    return state.down ? -order : order;
  };

  const fill = () => {
    const chosen = rows.filter((_, index) => state.words.every((word) => haystack[index].includes(word)));
    if (state.sort >= 0) chosen.sort(compareRows);
    const visible = state.all ? chosen : chosen.slice(0, MOST_ROWS);
    body.replaceChildren(...visible);
    const failed = chosen.filter((row) => row.className === "failed").length;
    const note = document.getElementById("shown");
    note.replaceChildren(`${chosen.length} of ${rows.length} runs${failed ? `, ${failed} without a result` : ""} `);
    if (visible.length < chosen.length) {
      const more = make("button", { type: "button" }, `show all ${chosen.length}`);
      more.addEventListener("click", () => { state.all = true; fill(); });
      note.append(more);
    }
  };

  heads.forEach((head, index) => {
    const sort = () => {
      state.down = state.sort === index ? !state.down : false;
      state.sort = index;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      fill();
    };
    Object.assign(head, { title: "sort", tabIndex: 0 });
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
  document.getElementById("filter").addEventListener("input", (event) => {
    state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    fill();
  });
  document.getElementById("search").hidden = false;
  fill();

  // print all rows, and the parameters that are the same in all runs
  const constants = document.querySelector(".constants");
  window.addEventListener("beforeprint", () => { state.all = true; fill(); constants.open = true; });
  document.body.dataset.state = "ready";
})();
