"""The table as a plot: CPU time of each tool's work, and requests, on logarithmic axes; plain SVG."""
import html
import math

COLOURS = {"iasql": "#1b6ca8", "boto3": "#999999", "boto3-16": "#555555", "terraform": "#7b42bc"}
WIDTH, ROW, LEFT, GAP = 980, 13, 190, 40
PANEL = (WIDTH - LEFT - 2 * GAP) // 2
MEASURES = (("requests", "requests"), ("cpu_s", "CPU, s"))


def text(x, y, content, size=11, **more):
    attributes = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    return f'<text x="{x}" y="{y}" font-size="{size}"{attributes}>{html.escape(content)}</text>'


def bars(x, key, groups):
    """Return one panel: a bar for each line, its length the logarithm of the value."""
    values = [line[key] for lines in groups.values() for line in lines if line[key] > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    scale = PANEL / max(high - low, 1)
    out, y = [], 50
    bottom = y + sum(len(lines) * ROW + 8 for lines in groups.values())
    for power in range(low, high + 1):
        at = x + (power - low) * scale
        out.append(f'<line x1="{at:.1f}" y1="{y - 4}" x2="{at:.1f}" y2="{bottom}" stroke="#dddddd"/>')
        out.append(text(f"{at:.1f}", y - 8, f"{10.0 ** power:g}", 9, text_anchor="middle", fill="#777777"))
    for lines in groups.values():
        for line in lines:
            value = line[key]
            width = max((math.log10(value) - low) * scale, 1) if value > 0 else 0
            out.append(f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{ROW - 3}" fill="{COLOURS[line["tool"]]}"/>')
            out.append(text(f"{x + width + 3:.1f}", y + ROW - 4, f"{value:g}", 9))
            y += ROW
        y += 8
    return out


def plot(results):
    """Return the SVG of the lines that several tools did, at the greatest delay, and the N that most tools did."""
    lines = [r for r in results if r["workload"] in ("W1", "W2", "W3") and "least_s" not in r]
    if not lines:
        return None
    delay = max(r["delay_ms"] for r in lines)
    most = max({r["n"] for r in lines}, key=lambda n: (len({r["tool"] for r in lines if r["n"] == n}), n > 1, n))
    groups = {}
    for line in lines:
        if line["delay_ms"] == delay and line["n"] in (1, most):
            groups.setdefault((line["workload"], line["n"], line["phase"]), []).append(line)
    height = 60 + sum(len(g) * ROW + 8 for g in groups.values())
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
           '<rect width="100%" height="100%" fill="white"/>']
    x = 10
    for tool, colour in COLOURS.items():
        if any(r["tool"] == tool for r in lines):
            out.append(f'<rect x="{x}" y="8" width="10" height="10" fill="{colour}"/>' + text(x + 14, 17, tool))
            x += 90
    y = 50
    for (workload, n, phase), group in groups.items():
        out.append(text(10, y + len(group) * ROW / 2 + 3, f"{workload}, N = {n}: {phase}"))
        y += len(group) * ROW + 8
    for i, (key, title) in enumerate(MEASURES):
        at = LEFT + i * (PANEL + GAP)
        out.append(text(at, 28, title, 12, font_weight="bold"))
        out += bars(at, key, groups)
    return "\n".join(out + ["</svg>", ""])
