"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MOST_ROWS = 500;         // shown at once; the rest on request
  const MANY_POINTS = 30000;     // from here on drawn by WebGL, where there is one

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // --- figures ---------------------------------------------------------------------------------------------------

  const hasWebGL = (() => {
    try { return Boolean(document.createElement("canvas").getContext("webgl")); } catch { return false; }
  })();

  const text = (value) => String(value).replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign]);

  // plotly.js reads a few tags in names and texts: what comes from journals must not be taken for them
  const escaped = (value) => Array.isArray(value) ? value.map(escaped) : typeof value === "string" ? text(value) : value;

  const numbers = (traces) => traces.flatMap((trace) => trace.y).filter((y) => y !== null);

  const distances = (traces, better) => {
    const best = numbers(traces).reduce((a, b) => (better === "higher" ? Math.max(a, b) : Math.min(a, b)));
    return traces.map((trace) => ({
      ...trace,
      y: trace.y.map((y) => (y === null || y === best ? null : Math.abs(best - y))),
      hovertemplate: trace.hovertemplate && trace.hovertemplate.replace("%{y:.6g}", "%{y:.3g} from the best"),
    }));
  };

  // How each figure draws what the data say of a trace.
  const LOOKS = {
    heat: ({ isNumbered, ...trace }) => ({
      ...trace, type: "heatmap", colorscale: "Cividis", zmin: 0, xgap: 2, ygap: 2,
      colorbar: { title: { text: "from the best", side: "right" }, thickness: 12 },
      texttemplate: isNumbered ? "%{text}" : "", hovertemplate: "%{x}, %{y}<br>%{customdata}<extra></extra>",
    }),
    option: ({ color, symbol, above, below, ...trace }) => ({
      ...trace, type: "scatter", mode: "lines+markers", line: { color }, marker: { symbol, size: 8 },
      error_y: { type: "data", symmetric: false, array: above, arrayminus: below, thickness: 1.2 },
      hovertemplate: "%{x}: %{text}",
    }),
    curves: ({ color, isCrowded, ...trace }) => ({
      ...trace, type: "scatter", mode: "lines", connectgaps: false,
      line: { color, width: isCrowded ? 1 : 1.8 }, opacity: isCrowded ? 0.5 : 0.85,
      hovertemplate: "%{y:.6g} at iteration %{x}<br>%{text}",
    }),
    cost: ({ color, symbol, ...trace }, { xaxis, yaxis }) => ({
      ...trace, type: "scatter", mode: "markers", marker: { color, symbol, size: 9, opacity: 0.8 },
      hovertemplate: `${text(yaxis.title.text)} %{y:.6g}<br>${text(xaxis.title.text)} %{x:.4g}<br>%{text}`,
    }),
  };

  const traceFor = (trace, byWebGL) => {
    const made = { ...trace, type: byWebGL && trace.type === "scatter" ? "scattergl" : trace.type };
    for (const key of ["name", "legendgroup", "text", "customdata"]) if (key in made) made[key] = escaped(made[key]);
    if (made.type === "heatmap") { made.x = escaped(made.x); made.y = escaped(made.y); }
    if (made.hovertemplate && made.type !== "heatmap") made.hovertemplate += `<extra>${made.name}</extra>`;
    return made;
  };

  // Zeros have no place on a logarithmic axis: they are drawn at its lower end, and named there.
  const withZeros = (traces, axis, key) => {
    if (!axis.zeros) return [traces, axis];
    const { zeros, ...rest } = axis;
    const values = traces.flatMap((trace) => trace[key]).filter((value) => value > 0);
    const from = Math.floor(Math.log10(Math.min(...values))), to = Math.ceil(Math.log10(Math.max(...values)));
    const step = Math.max(1, Math.ceil((to - from) / 6));
    const ticks = [];
    for (let power = from; power <= to; power += step) ticks.push(power);
    const marked = { ...rest, dtick: undefined, tickmode: "array", tickvals: [zeros, ...ticks.map((p) => 10 ** p)],
      ticktext: ["0", ...ticks.map((p) => `10<sup>${p}</sup>`)] };
    return [traces.map((trace) => ({ ...trace, [key]: trace[key].map((value) => (value === 0 ? zeros : value)) })), marked];
  };

  const layoutFor = (layout, data) => ({
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "#1d2733" },
    margin: { l: 70, r: 16, t: 34, b: 48 },
    hovermode: "closest",
    showlegend: data.filter((trace) => trace.showlegend !== false && trace.type !== "heatmap").length > 1,
    legend: { font: { size: 11 }, groupclick: "togglegroup", itemsizing: "constant", orientation: "v" },
    ...layout,
    xaxis: { automargin: true, zeroline: false, gridcolor: "#e8ecf1", ...layout.xaxis, title: titled(layout.xaxis) },
    yaxis: { automargin: true, zeroline: false, gridcolor: "#e8ecf1", ...layout.yaxis, title: titled(layout.yaxis) },
  });

  const titled = (axis) => ({ ...(axis.title || {}), text: text((axis.title || {}).text || "") });

  const draw = (figure, plot, index, asDistance) => {
    const variant = figure.variants[index];
    let traces = variant.data.map((trace) => LOOKS[figure.name](trace, variant.layout));
    if (asDistance) traces = distances(traces, figure.best);
    let { xaxis, yaxis } = variant.layout;
    [traces, xaxis] = withZeros(traces, xaxis, "x");
    [traces, yaxis] = withZeros(traces, yaxis, "y");
    if (asDistance) yaxis = { ...yaxis, type: "log", exponentformat: "power", title: { text: `distance to the best ${yaxis.title.text}` } };
    const nPoints = traces.reduce((sum, trace) => sum + trace.x.length, 0);
    const drawn = traces.map((trace) => traceFor(trace, hasWebGL && nPoints > MANY_POINTS));
    const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    return Plotly.react(plot, drawn, layoutFor({ ...variant.layout, xaxis, yaxis }, drawn), options);
  };

  const chooser = (label, names, onChange) => {
    const select = make("select", { ariaLabel: label }, ...names.map((name, index) => make("option", { value: index }, name)));
    select.addEventListener("change", () => onChange(Number(select.value)));
    return make("label", {}, `${label} `, select);
  };

  const card = (figure) => {
    const plot = make("div", { className: "plot" });
    const controls = make("div", { className: "controls" });
    let shown = 0, asDistance = false;
    const redraw = () => draw(figure, plot, shown, asDistance);
    if (figure.variants.length > 1) controls.append(chooser("show", figure.variants.map((each) => each.name || "all"), (index) => { shown = index; redraw(); }));
    if (figure.best) controls.append(chooser("scale", ["value", "distance to the best, logarithmic"], (index) => { asDistance = index === 1; redraw(); }));
    const element = make("section", { className: "figure", id: `figure-${figure.name}` },
      make("h2", {}, figure.title), make("p", {}, figure.note), controls, plot);
    document.getElementById("figures").append(element);
    return redraw;
  };

  // --- table of runs ---------------------------------------------------------------------------------------------

  const { columns, rows, hasLinks } = data.runs;
  const hasErrors = rows.some((row) => row.error);
  const state = { sort: -1, down: false, words: [], all: false };

  const shownNumber = (value) => {
    if (typeof value !== "number") return value === null ? "" : String(value);
    return Number.isInteger(value) && Math.abs(value) < 1e7 ? String(value) : String(Number(value.toPrecision(6)));
  };

  const haystack = rows.map((row) => [row.name, row.error, row.folderName, ...row.cells.map((cell, index) => `${columns[index].name}=${cell}`)].join(" ").toLowerCase());

  const compareCells = (a, b) => {
    const missing = (value) => value === null || value === "–" || value === "";
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    if (typeof a === "number" && typeof b === "number") return (a - b) * (state.down ? -1 : 1);
    return String(a).localeCompare(String(b), undefined, { numeric: true }) * (state.down ? -1 : 1);
  };

  const link = (href, words) => make("a", { href, target: "_blank", rel: "noopener" }, words);

  const rowElement = (row) => {
    const element = make("tr", { className: row.failed ? "failed" : "", title: row.name });
    row.cells.forEach((cell, index) => element.append(make("td", { className: columns[index].kind === "number" ? "number" : "" }, shownNumber(cell))));
    if (hasErrors) element.append(make("td", { className: "error" }, row.error));
    if (hasLinks) element.append(make("td", {}, row.mlflow ? link(row.mlflow, "MLflow") : ""));
    element.append(make("td", {}, link(row.folder, row.folderName)));
    return element;
  };

  const fill = () => {
    const chosen = rows.map((_, index) => index).filter((index) => state.words.every((word) => haystack[index].includes(word)));
    if (state.sort >= 0) chosen.sort((a, b) => compareCells(rows[a].cells[state.sort], rows[b].cells[state.sort]));
    const visible = state.all ? chosen : chosen.slice(0, MOST_ROWS);
    document.querySelector("#runs-table tbody").replaceChildren(...visible.map((index) => rowElement(rows[index])));
    const failed = chosen.filter((index) => rows[index].failed).length;
    const note = document.getElementById("shown");
    note.replaceChildren(`${chosen.length} of ${rows.length} runs${failed ? `, ${failed} without a result` : ""} `);
    if (visible.length < chosen.length) {
      const more = make("button", {}, `show all ${chosen.length}`);
      more.addEventListener("click", () => { state.all = true; fill(); });
      note.append(more);
    }
  };

  const header = () => {
    const row = make("tr");
    columns.forEach((column, index) => {
      const cell = make("th", { className: column.kind === "number" ? "number" : "", title: "sort", tabIndex: 0 }, column.name);
      const sort = () => {
        state.down = state.sort === index ? !state.down : false;
        state.sort = index;
        row.querySelectorAll("th").forEach((each) => { each.removeAttribute("aria-sort"); each.textContent = each.textContent.replace(/ [▲▼]$/, ""); });
        cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        cell.textContent += state.down ? " ▼" : " ▲";
        fill();
      };
      cell.addEventListener("click", sort);
      cell.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
      row.append(cell);
    });
    if (hasErrors) row.append(make("th", {}, "error"));
    if (hasLinks) row.append(make("th", {}, "MLflow"));
    row.append(make("th", {}, "folder"));
    return row;
  };

  document.getElementById("runs-table").append(make("thead", {}, header()), make("tbody"));
  document.getElementById("filter").addEventListener("input", (event) => {
    state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    fill();
  });
  fill();

  const redraws = data.figures.map(card);
  Promise.all(redraws.map((redraw) => redraw())).then(
    () => { document.body.dataset.state = "drawn"; },
    (error) => { document.body.dataset.state = "failed"; throw error; },
  );
})();
