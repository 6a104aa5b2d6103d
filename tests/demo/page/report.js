// A crosshair over the picture, with the figures of every ENT at that second.
const data = JSON.parse(document.getElementById("data").textContent);
const picture = document.getElementById("picture");
const crosshair = document.getElementById("crosshair");
const tip = document.getElementById("tip");
const { left, plot, width, seconds } = picture.dataset;
const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
const cell = (text) => { const td = document.createElement("td"); td.textContent = text; return td; };
const row = (...texts) => { const tr = document.createElement("tr"); tr.append(...texts.map(cell)); return tr; };

picture.addEventListener("pointermove", (event) => {
  const box = picture.getBoundingClientRect();
  const at = (event.clientX - box.left) * (width / box.width);
  const second = Math.floor(((at - left) / plot) * seconds);
  if (second < 0 || second >= seconds) { hide(); return; }
  crosshair.setAttribute("x1", at); crosshair.setAttribute("x2", at);
  const table = document.createElement("table");
  table.append(row(clock(second), "wanted", "capacity", "failed", "weights"));
  for (const ent of data) {
    const weights = Object.entries(ent.weights).filter(([, w]) => w[second]).map(([s, w]) => `${s} ${w[second]}`);
    table.append(row(ent.ent, ent.demand[second], ent.serving[second], ent.failed[second] || "", weights.join(" ")));
  }
  tip.replaceChildren(table);
  tip.style.display = "block";
  const right = event.clientX + 18 + tip.offsetWidth > innerWidth;
  tip.style.left = `${right ? event.clientX - tip.offsetWidth - 18 : event.clientX + 18}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
});
picture.addEventListener("pointerleave", hide);
function hide() { tip.style.display = "none"; crosshair.setAttribute("x1", -9); crosshair.setAttribute("x2", -9); }
