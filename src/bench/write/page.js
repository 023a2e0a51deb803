/* SPDX-License-Identifier: MIT */
'use strict';
(() => {
const errors = [];
window.addEventListener('error', event => { errors.push(event.message); publish(); });

const result = JSON.parse(document.getElementById('result').textContent);
const main = document.getElementById('main');
const charts = [];
let plots = 0;

/* One colour for a mechanism in every chart; each has at least 3:1 on both backgrounds. Lines have a
   dash pattern beside it, dots their name, so that colour is never the only sign. */
const COLOURS = ['#1a83db', '#d16022', '#009342', '#b357ad', '#a1790c', '#03999f', '#c6495b', '#816bd8',
	'#768b09', '#0c9c82', '#0087ab', '#b66c00', '#9d60c6', '#cf5582', '#5671d8', '#8c8309', '#ce5342'];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [1, 4], [12, 4]];
const MANY = 8; /* mechanisms: of more there is a filter, and not each has a line */

const unique = list => [...new Set(list)];
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const times = row => row.rtt_ns || row.oneway_ns;
const how = row => `${row.wait}, ${row.placement}`;
const is_pair = row => /^cpu\d+-cpu\d+$/.test(row.placement);
const backends = unique(result.results.map(row => row.backend));
const colour = row => COLOURS[backends.indexOf(row.backend) % COLOURS.length];
const dash = row => DASHES[backends.indexOf(row.backend) % DASHES.length];
const hidden = new Set();
const inconclusive = result.inconclusive || ''; /* why nothing may be concluded */
const finding = result.p99_bound_ns || 0;       /* the bound for which each row has a rate of its own */

/* A round trip too short for the clock was measured in blocks, too. That figure replaces the first,
   whose tail stays: a block has none. */
function fold(rows) {
	const axes = ['backend', 'api', 'mode', 'start', 'wait', 'placement', 'size_bytes', 'senders', 'batch',
		'rate_per_s', 'depth'];
	const same = (a, b) => axes.every(key => a[key] === b[key]);

	return rows.filter(row => !(row.block > 1)).map(row => {
		const block = rows.find(other => other.block > 1 && same(other, row));

		if (!block || !times(row) || !times(block)) return row;
		return { ...row, blocks: block.block, floor_ratio: block.floor_ratio,
			floor_ratio_ci95: block.floor_ratio_ci95, floor_ratio_of: block.floor_ratio_of,
			rtt_ns: { ...row.rtt_ns, p50: block.rtt_ns.p50, p50_ci95: block.rtt_ns.p50_ci95,
				mean: block.rtt_ns.mean } };
	});
}

const ours = fold(result.results.filter(row => row.api === 'ipc'));
/* Pairs of CPUs have the heat map; in the charts they would only repeat each other. */
const shown = ours.filter(row => !is_pair(row));

/* ---- figures in words ---- */

function three(value) {
	return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(value, units, base) {
	if (value === null || value === undefined || !isFinite(value)) return '\u2013';
	let i = 0;

	while (i < units.length - 1 && value >= 999.5 * base ** i) i++;
	return `${three(value / base ** i)}${units[i]}`;
}

const time = ns => scaled(ns, [' ns', ' \u00b5s', ' ms', ' s'], 1e3);
const count = value => scaled(value, ['', ' k', ' M', ' G'], 1e3);
const two = value => value < 9.95 ? value.toFixed(1) : String(+value.toPrecision(2));
const plain = (value, digits) => typeof value === 'number' ? value.toFixed(digits) : '\u2013';
const span = (pair, as) => Array.isArray(pair) ? `${as(pair[0])} to ${as(pair[1])}` : '\u2013';
const short = value => value.replace(/\.0+ /, ' ').replace(/(\.\d*?)0+ /, '$1 ').replace(/\.0+$/, '');

/* ---- elements: text only ever goes in as text ---- */

function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);

	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	made.append(...children);
	return made;
}

function table(caption, heads, rows, css_class) {
	const made = element('table', css_class ? { class: css_class } : {});
	const body = element('tbody');

	made.append(element('caption', { class: 'skip' }, caption));
	made.append(element('thead', {}, element('tr', {},
		...heads.map(head => element('th', { scope: 'col' }, String(head))))));
	for (const row of rows)
		body.append(element('tr', {}, ...row.map((cell, i) => i === 0 ?
			element('th', { scope: 'row' }, String(cell)) :
			cell instanceof Node ? cell :
			element('td', typeof cell === 'string' && /^[a-z]{3,}/.test(cell) ?
				{ class: 'word' } : {}, String(cell)))));
	made.append(body);
	return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, made);
}

function section(title, explanation) {
	const id = title.toLowerCase().replace(/[^a-z]+/g, '-');
	const made = element('section', { 'aria-labelledby': id }, element('h2', { id }, title));

	if (explanation) made.append(element('p', { class: 'soft' }, explanation));
	main.append(made);
	return made;
}

function selector(parent, label, choices, change) {
	const select = element('select');

	for (const choice of choices) select.append(element('option', { value: choice }, choice));
	select.addEventListener('change', () => change(select.value));
	if (choices.length > 1)
		parent.append(element('div', { class: 'controls' }, element('label', {}, `${label} `, select)));
}

/* ---- dots: a row for each mechanism, on one logarithmic scale; left is better ---- */

/* The scale: from the smallest to the greatest figure or end of an interval, but an interval may not
   stretch it by more than ten times on either side: what is beyond has an arrow. */
function scale_of(rows, plot) {
	const values = rows.map(plot.value), ends = rows.flatMap(row => plot.interval(row) || []);
	const low = Math.min(...values), high = Math.max(...values);
	const keep = plot.limits || [low / 10, high * 10];
	const from = Math.max(keep[0], Math.min(low, ...ends)) * 0.93;
	const to = Math.min(keep[1], Math.max(high, ...ends)) * 1.07;
	const place = value => {
		const share = (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from));

		return 100 * (plot.more_is_better ? 1 - share : share);
	};
	return { from, to, place, ticks: ticks_of(from, to) };
}

/* Round figures: 1, 2, 5, 10, ... or finer where the scale is short. At most six, on a phone three. */
function ticks_of(from, to) {
	const most = innerWidth < 640 ? 3 : 6;

	for (const steps of [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
		const ticks = [];

		for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++)
			for (const step of steps) {
				const tick = +(step * 10 ** power).toPrecision(3);

				if (tick >= from && tick <= to) ticks.push(tick);
			}
		if (ticks.length <= most || steps.length === 1)
			return ticks.length > most ? ticks.filter((_, i) => i % 2 === 0) : ticks;
	}
	return [];
}

function track(scale, plot, ...children) {
	const made = element('div', { class: 'track' });

	for (const tick of scale.ticks)
		made.append(element('div', { class: plot.one === tick ? 'tick one' : 'tick',
			style: `left: ${scale.place(tick)}%` }));
	made.append(...children);
	return made;
}

function dot(row, scale, plot) {
	const value = plot.value(row), ci = plot.interval(row);
	const inside = v => Math.min(Math.max(v, scale.from), scale.to);
	const marks = [];

	if (ci) {
		const [left, right] = ci.map(v => scale.place(inside(v))).sort((a, b) => a - b);

		marks.push(element('div', { class: 'span',
			style: `left: ${left}%; width: ${right - left}%; background: ${colour(row)}` }));
		for (const [end, beyond] of [[ci[0], ci[0] < scale.from], [ci[1], ci[1] > scale.to]])
			if (beyond)
				marks.push(element('span', { class: 'beyond', title: plot.label(end),
					style: `color: ${colour(row)}; ` +
						((end < value) !== Boolean(plot.more_is_better) ?
							'left: -.2rem' : 'right: -.2rem') },
				(end < value) !== Boolean(plot.more_is_better) ? '\u25c2' : '\u25b8'));
	}
	marks.push(element('div', { class: 'dot', style: `left: ${scale.place(inside(value))}%; ` +
		`background: ${colour(row)}` }));
	return marks;
}

/* One group: its title, what it shows in a sentence, the scale, a row for each mechanism. */
function dots(title, rows, scale, plot) {
	const sorted = rows.filter(row => !hidden.has(row.backend))
		.sort((a, b) => plot.more_is_better ? plot.value(b) - plot.value(a) : plot.value(a) - plot.value(b));
	const grid = element('div', { class: 'dots' });
	const name = row => plot.name ? plot.name(row, rows) : row.backend;

	if (sorted.length)
		grid.append(element('div'), element('div', { class: 'track scale', 'aria-hidden': 'true' },
			...scale.ticks.map(tick => element('div', { class: 'tick', style: `left: ${scale.place(tick)}%` },
				short(plot.label(tick))))), element('div'));

	for (const row of sorted) {
		const ci = plot.interval(row);
		const tip = `${name(row)}: ${plot.label(plot.value(row))}` +
			(ci ? `, 95% interval ${span(ci, plot.label)}` : '') + (plot.tip ? plot.tip(row) : '');

		grid.append(element('div', {}, name(row)),
			track(scale, plot, ...dot(row, scale, plot)),
			element('div', { class: 'value' }, plot.label(plot.value(row))));
		for (const cell of [...grid.children].slice(-3)) cell.title = tip;
	}
	for (const row of without(plot))
		if (how(row) === title)
			grid.append(element('div', {}, row.backend),
				element('div', { class: 'wide' }, `${row.status}: ${row.reason}`));
	plots++;
	return element('div', {}, element('h3', {}, title), element('p', { class: 'soft small' },
		!sorted.length ? 'No figures.' : inconclusive ? 'No conclusion: this order may be chance.' :
		plot.sentence(sorted, plot)), grid);
}

/* Rows that have no figure but a reason. */
const without = plot => plot.without ? plot.without().filter(row => !hidden.has(row.backend)) : [];

/* Groups of rows on one scale, a filter where there are many mechanisms, and the table. */
function plot_section(parent, rows, plot) {
	const box = element('div', { class: 'groups' }), note = element('p', { class: 'soft small' });
	const details = element('details', {}, element('summary', {}, 'The same as a table'));
	const draw = () => {
		const visible = rows().filter(row => !hidden.has(row.backend));
		const scale = visible.length ? scale_of(visible, plot) : null;
		const group = plot.group || how;
		const bare = visible.filter(row => !plot.interval(row)).length;

		box.replaceChildren(...unique([...visible, ...without(plot)].map(group)).map(title =>
			dots(title, rows().filter(row => group(row) === title), scale, plot)));
		note.textContent = !visible.length ? '' : [plot.better,
			plot.bare ? '' : 'Dots are medians, bars their 95% intervals.',
			plot.more_is_better ? 'The scale runs from right to left.' : '',
			box.querySelector('.beyond') ? 'An arrow: the interval goes on beyond the scale.' : '',
			bare ? plot.bare || `Without a bar: an interval needs at least 6 rounds; this run had ${
				result.rounds}.` : '',
			rows().some(row => row.blocks) ? 'What is too short for the clock was measured in blocks of ' +
				'16 round trips.' : ''].filter(Boolean).join(' ');
		details.replaceChildren(details.firstElementChild, plot.table(visible));
	};

	parent.append(note, box, details);
	redraws.push(draw);
	draw();
	return draw;
}

const redraws = [];

function filter() {
	if (backends.length <= MANY) return;
	const parent = section('Which mechanisms', '');
	const box = element('div', { class: 'controls' });

	for (const backend of unique(ours.map(row => row.backend))) {
		const tick = element('input', { type: 'checkbox', checked: '' });

		tick.addEventListener('change', () => {
			if (tick.checked) hidden.delete(backend); else hidden.add(backend);
			for (const draw of redraws) draw();
		});
		box.append(element('label', {}, tick, ` ${backend}`));
	}
	parent.append(box);
}

/* With a rate: what was asked for and reached, and by how much the last one began late. */
function figures(title, rows) {
	const open = rows.some(row => row.rate_per_s);

	return table(title, ['mechanism', 'p50', '95% interval', 'p99', 'p99.9', 'max', 'mean', 'min', 'wait', 'place',
		'bytes', 'CPU/record', 'calls/record', ...(open ? ['asked/s', 'reached/s', 'late', 'status'] : [])],
	rows.map(row => {
		const t = times(row) || {};

		return [row.backend, time(t.p50), span(t.p50_ci95, time), time(t.p99), time(t.p999), time(t.max),
			time(t.mean), time(t.min), row.wait, row.placement, row.size_bytes,
			time(row.cpu_ns_per_record), plain(row.syscalls_per_record, 2),
			...(open ? [count(row.rate_per_s), count(row.achieved_per_s), time(row.late_ns), row.status] : [])];
	}));
}

/* Those whose intervals overlap with the first's, which cannot be told apart from it. */
const level_with = (sorted, plot) => sorted.slice(1).filter(row => plot.interval(sorted[0]) && plot.interval(row) &&
	plot.interval(row)[0] <= plot.interval(sorted[0])[1] && plot.interval(sorted[0])[0] <= plot.interval(row)[1]);

/* "pipe is fastest, zmq takes 11 times as long." Whose intervals overlap are not told apart. */
function order(sorted, plot) {
	const first = sorted[0], last = sorted[sorted.length - 1];
	const value = plot.value(last) / plot.value(first), factor = Math.max(value, 1 / value);
	const level = level_with(sorted, plot);

	if (sorted.length < 2) return `${first.backend} alone.`;
	if (!plot.interval(first))
		return `${first.backend} has the best median, ${last.backend} takes ${two(factor)} times as long; fewer than ` +
			'6 rounds cannot show that this is no chance.';
	if (level.length === sorted.length - 1) return 'All intervals overlap: none is shown to be fastest.';
	return (level.length ? `Fastest, and not to be told apart: ${[first, ...level].map(row =>
		row.backend).join(', ')}; ` : `${first.backend} is fastest, `) +
		`${last.backend} takes ${two(factor)} times as long.`;
}

/* What is compared in each mode. */
const LATENCY = { value: row => times(row).p50, interval: row => times(row).p50_ci95, label: time,
	better: 'Left, and lower, is better.' };
const STREAM = { value: row => row.records_per_s, interval: row => row.records_per_s_ci95, label: count,
	better: 'Left is better, and more is better.', more_is_better: true };
const KINDS = [['latency', 'Round trips', LATENCY], ['oneway', 'One way', LATENCY], ['throughput', 'Throughput', STREAM]];

const WAITS = { block: 'the receiver sleeps', poll: 'it sleeps in an event loop', spin: 'it never sleeps',
	adaptive: 'it stays awake for some 50 \u00b5s, then sleeps' };
const PLACES = { same: 'both ends on one CPU', cross: 'on two', smt: 'on one core', l3: 'on one L3 cache',
	socket: 'on two packages' };

/* ---- the sections ---- */

/* The groups of the first kind of figures that the run has, each sorted, the best first. */
function podium() {
	for (const [mode, what, plot] of KINDS) {
		const all = shown.filter(row => row.mode === mode && (times(row) || row.records_per_s));
		const axes = ['size_bytes', 'batch', 'senders', 'depth'];
		const rows = all.filter(row => axes.every(key => row[key] === all[0][key]));

		if (rows.length > 1)
			return { what, plot, rows, groups: unique(rows.map(how)).map(title => rows.filter(row =>
				how(row) === title).sort((a, b) => (plot.more_is_better ? -1 : 1) *
				(plot.value(a) - plot.value(b)))) };
	}
	return null;
}

/* Which is fastest, and when not? */
function glance() {
	const shows = finding ? null : podium();

	if (!shows) return;
	const { what, plot, rows, groups } = shows;
	const title = `${what}, ${rows[0].size_bytes} bytes` +
		(rows[0].rate_per_s ? `, ${count(rows[0].rate_per_s)} a second` : '');

	if (inconclusive) {
		section('Which is fastest, and when not?', 'This run cannot tell. The figures below are what it saw, on a ' +
			'machine that was disturbed: measure again when it has nothing else to do.');
		return;
	}
	const label = row => plot.label(plot.value(row)).replace(' ', '\u00a0');
	const factor = (row, first) => {
		const value = plot.value(row) / plot.value(first);

		return `${row.backend} ${label(row)} (${two(Math.max(value, 1 / value))}\u00d7)`;
	};
	const best = groups.map(group => [group[0], ...level_with(group, plot)]);
	const names = level => level.map(row => row.backend).join(', ');
	const winners = unique(best.map(names));
	const lines = groups.map((group, i) => {
		const rest = group.filter(row => !best[i].includes(row));

		return [how(group[0]), `${names(best[i])} ${label(group[0])}`,
			...[rest.length > 1 ? rest[0] : null, rest[rest.length - 1]].map(row => row ? factor(row, group[0]) :
				'\u2013')];
	});
	const parent = section('Which is fastest, and when not?', `${title}: ` + (winners.length === 1 ?
		`${winners[0]}${groups.length > 1 ? ` in each of ${groups.length} ways to wait and to be placed` : ''}.` :
		'it depends on how the receiver waits and where the two ends run.'));

	parent.append(table('Which is fastest', ['wait, place', 'fastest', 'next', 'slowest'], lines, 'glance'));
	const words = (key, meanings) => unique(rows.map(row => row[key])).filter(word => meanings[word])
		.map(word => `${word}: ${meanings[word]}`);

	parent.append(element('p', { class: 'soft small' }, [...words('wait', WAITS), ...words('placement', PLACES),
		plot.interval(groups[0][0]) ? 'several in one cell: their intervals overlap, none is shown to be faster.' :
			'fewer than 6 rounds: the order may be chance.'].join('; ')));
}

/* The rate of each row, where that is what was looked for. */
function found_rates() {
	const all = shown.filter(row => row.rate_per_s);
	const kept = all.filter(row => times(row) && times(row).p99 <= finding);
	const rest = () => shown.filter(row => times(row) === null && row.reason);

	if (!finding) return;
	plot_section(section(`The highest rate with p99 below ${short(time(finding))}`, 'Records (or round trips) a ' +
		'second, begun on time whatever happened to the one before.'), () => kept, {
		value: row => row.rate_per_s, interval: () => null, label: count, without: rest, more_is_better: true,
		better: 'Left is better, and more is better.', bare: 'Each rate was found by bisection, to 3 %.',
		tip: row => `, p99 ${time(times(row).p99)}`,
		sentence: sorted => sorted.length < 2 ? `${sorted[0].backend} alone.` :
			`${sorted[0].backend} keeps ${two(sorted[0].rate_per_s /
				sorted[sorted.length - 1].rate_per_s)} times the rate of ${sorted[sorted.length - 1].backend}.`,
		table: rows => figures('Rates', rows),
	});
}

function latency(mode, title, explanation) {
	const all = shown.filter(row => row.mode === mode && (times(row) || row.status === 'saturated'));
	const sizes = unique(all.map(row => row.size_bytes));
	let size = sizes[0];

	if (!sizes.length) return;
	const parent = section(title, explanation + (finding ? ' Each at its own rate: compare the rates, not these.' :
		all[0].rate_per_s ? ` ${count(all[0].rate_per_s)} a second were asked for, and latency counts from the ` +
			'moment each should have begun.' : ''));
	const at = wanted => all.filter(row => row.size_bytes === size && wanted(row));

	selector(parent, 'Record size', sizes.map(String), value => { size = Number(value); draw(); });
	const draw = plot_section(parent, () => at(times), {
		...LATENCY, without: () => at(row => row.status === 'saturated'),
		tip: row => `, p99 ${time(times(row).p99)}`,
		sentence: finding ? () => '' : order,
		table: () => figures(title, at(row => !hidden.has(row.backend))),
	});
}

function throughput() {
	const all = shown.filter(row => row.mode === 'throughput' && row.records_per_s);
	const key = row => `${row.size_bytes} bytes, batches of ${row.batch}, ${row.senders} sender` +
		(row.senders > 1 ? 's' : '');
	const keys = unique(all.map(key));
	let chosen = keys[0];

	if (!all.length) return;
	const parent = section('Throughput', 'Records a second, one way, until the receiver has confirmed the last.');

	selector(parent, 'Shown', keys, value => { chosen = value; draw(); });
	const draw = plot_section(parent, () => all.filter(row => key(row) === chosen), {
		...STREAM,
		tip: row => `, ${count(row.bytes_per_s)}B/s`,
		sentence: order,
		table: rows => table('Throughput', ['mechanism', 'records/s', '95% interval', 'bytes/s', 'wait', 'place',
			'bytes', 'batch', 'senders', 'CPU/record', 'calls/record'],
		rows.map(row => [row.backend, count(row.records_per_s), span(row.records_per_s_ci95, count),
			`${count(row.bytes_per_s)}B`, row.wait, row.placement, row.size_bytes, row.batch, row.senders,
			time(row.cpu_ns_per_record), plain(row.syscalls_per_record, 2)])),
	});
}

/* How a worker begins, and what it takes. One group for each mechanism that its record came over. */
function starts() {
	const all = ours.filter(row => row.mode === 'start' && row.start_ns);
	const memory = row => `${count(row.private_bytes)}B`;

	if (!all.length) return;
	plot_section(section('Starts', 'The median time from the start of a process or thread to its first record.'),
		() => all, {
			value: row => row.start_ns.p50, interval: row => row.start_ns.p50_ci95, label: time,
			better: 'Left, and lower, is better.',
			group: row => `over ${row.backend}`, name: row => row.start,
			tip: row => `, ${memory(row)} private`,
			sentence: sorted => sorted.length < 2 ? `${sorted[0].start} alone.` : `${sorted[0].start} is fastest, ` +
				`${sorted[sorted.length - 1].start} takes ` +
				`${two(sorted[sorted.length - 1].start_ns.p50 / sorted[0].start_ns.p50)} times as long.`,
			table: rows => table('Starts', ['start', 'over', 'p50', '95% interval', 'p99', 'max', 'private memory'],
				rows.map(row => [row.start, row.backend, time(row.start_ns.p50),
					span(row.start_ns.p50_ci95, time), time(row.start_ns.p99), time(row.start_ns.max),
					memory(row)])),
		});
}

function ratios(mode, title) {
	const all = shown.filter(row => row.mode === mode && typeof row.floor_ratio === 'number');
	const sizes = unique(all.map(row => row.size_bytes)).length > 1;
	const batches = unique(all.map(row => row.batch)).length > 1;
	const label = value => plain(value, value < 10 ? 2 : 0);

	if (!all.length) return;
	plot_section(section(title, 'How many times as long as the bare system calls (or bare memory) take, the ' +
		'median over rounds, in which the two were measured in turn.'), () => all, {
		value: row => row.floor_ratio, interval: row => row.floor_ratio_ci95, label,
		better: '1, the thick line, is perfect; left is better.', one: 1, limits: [0.25, 10],
		name: row => row.backend + (sizes ? ` ${row.size_bytes} B` : '') + (batches ? ` \u00d7${row.batch}` : ''),
		tip: row => `, of ${row.floor_ratio_of}` + (row.floor_ratio_doubtful ?
			'; the two figures do not divide to it: the machine changed between rounds' : ''),
		sentence: sorted => {
			const far = sorted.filter(row => row.floor_ratio_ci95 && row.floor_ratio_ci95[0] > 1.1);

			return far.length ? `More than 1.1 times the floor, by their whole interval: ${
				far.map(row => row.backend).join(', ')}.` :
				'None is shown to cost more than 1.1 times its floor.';
		},
		table: rows => table(title, ['mechanism', 'ratio', '95% interval', 'of', 'wait', 'place', 'bytes',
			'batch', 'bare cache line'],
		rows.map(row => [row.backend, plain(row.floor_ratio, 2) + (row.floor_ratio_doubtful ? '!' : ''),
			span(row.floor_ratio_ci95, v => plain(v, 2)), row.floor_ratio_of, row.wait, row.placement,
			row.size_bytes, row.batch, time(row.line_ns)])),
	});
}

/* ---- lines: Chart.js ---- */

function log_axis(title, callback) {
	return {
		type: 'logarithmic',
		title: { display: true, text: title, color: css('--soft') },
		grid: { color: css('--line') },
		ticks: { color: css('--soft'), maxRotation: 0, callback },
	};
}

const value_axis = (title, as) => log_axis(title, value => /^[125]/.test(String(value)) ? short(as(value)) : null);

function lines(series, axes, label) {
	return {
		type: 'line',
		data: {
			datasets: series.map(one => ({
				label: one.row.backend, data: one.data,
				borderColor: colour(one.row), backgroundColor: colour(one.row), borderDash: dash(one.row),
				pointRadius: one.points ? 3 : 0, pointHitRadius: 8, borderWidth: 2, tension: 0,
				spanGaps: true,
			})),
		},
		options: {
			responsive: true, maintainAspectRatio: false, animation: false, scales: axes,
			interaction: { mode: 'nearest', intersect: false },
			plugins: {
				legend: { labels: { color: css('--ink'), usePointStyle: true, pointStyle: 'line',
					boxWidth: 40 } },
				tooltip: { callbacks: { label } },
			},
		},
	};
}

/* A chart that is drawn anew when the colour scheme changes, what it shows, and the table. */
function chart(parent, describe, make, rows) {
	const canvas = element('canvas', { role: 'img' }), says = element('p', { class: 'soft small' });
	const box = element('div', { class: 'canvas' }, canvas);
	const details = element('details', {}, element('summary', {}, 'The same as a table'));
	const entry = {
		canvas,
		draw() {
			if (this.chart) this.chart.destroy();
			says.textContent = describe();
			canvas.setAttribute('aria-label', describe());
			this.chart = new Chart(canvas, make());
			details.replaceChildren(details.firstElementChild, rows());
		},
	};

	parent.append(box, says, details);
	charts.push(entry);
	redraws.push(() => entry.draw());
	entry.draw();
	return entry;
}

/* Of more lines than can be told apart, those at both ends of what VALUE sorts by. */
function ends(rows, value) {
	const sorted = [...rows].sort((a, b) => value(a) - value(b));

	return sorted.length > MANY ? [...sorted.slice(0, MANY / 2), ...sorted.slice(-MANY / 2)] : sorted;
}

const how_few = (drawn, all) => drawn < all ? ` Of ${all} mechanisms, the ${drawn} at both ends have a line; the ` +
	'filter above leaves others, and the table has all.' : '';

function curves() {
	const all = shown.filter(row => row.curve && row.curve.length > 1 && times(row));
	const key = row => `${row.mode}: ${how(row)}, ${row.size_bytes} bytes`;
	const keys = unique(all.map(key));
	let chosen = keys[0];

	if (!all.length) return;
	const parent = section('How long the slow ones take',
		'Which latency a given share of all samples stays below; lower is better. The axis is stretched ' +
		'towards the end, where the rare and slow ones are.');
	const rows = () => all.filter(row => key(row) === chosen && !hidden.has(row.backend));
	const tail = row => times(row).p999 / times(row).p50;

	selector(parent, 'Shown', keys, value => { chosen = value; entry.draw(); });
	const entry = chart(parent, () => {
		const sorted = rows().sort((a, b) => tail(a) - tail(b)), last = sorted[sorted.length - 1];

		return sorted.length ? `${chosen}: one in a thousand takes ${two(tail(sorted[0]))} times the median with ` +
			`${sorted[0].backend}` + (sorted.length > 1 ? `, ${two(tail(last))} times with ${last.backend}.` :
			'.') + how_few(ends(sorted, tail).length, sorted.length) : '';
	}, () => lines(ends(rows(), tail).map(row => ({ row, data: row.curve.map(([x, y]) => ({ x, y })) })), {
		x: log_axis('percentile', value => /^10*$/.test(String(value)) ?
			(value === 1 ? '0%' : `${+(100 - 100 / value).toFixed(5)}%`) : null),
		y: value_axis('latency', time),
	}, item => `${item.dataset.label}: ${(100 - 100 / item.parsed.x).toFixed(4)}% below ${time(item.parsed.y)}`),
	() => figures('Percentiles', rows()));
}

function sweep(mode, title, value, as, better) {
	const all = shown.filter(row => row.mode === mode && value(row));
	const key = row => how(row) + (mode === 'throughput' ? `, batches of ${row.batch}` : '');
	const keys = unique(all.map(key));
	let chosen = keys[0];

	if (unique(all.map(row => row.size_bytes)).length < 2) return;
	const parent = section(title, `Both axes are logarithmic; ${better} is better.`);
	const rows = () => all.filter(row => key(row) === chosen && !hidden.has(row.backend));
	const biggest = () => Math.max(...rows().map(row => row.size_bytes));
	/* Of each mechanism, the row of the largest records that it has. */
	const largest = () => unique(rows().map(row => row.backend)).map(backend => rows().filter(row =>
		row.backend === backend).reduce((a, b) => b.size_bytes > a.size_bytes ? b : a));

	selector(parent, 'Shown', keys, word => { chosen = word; entry.draw(); });
	const entry = chart(parent, () => {
		const sorted = rows().filter(row => row.size_bytes === biggest()).sort((a, b) => value(a) - value(b));

		return sorted.length ? `${chosen}, ${biggest()} bytes: from ${as(value(sorted[0]))} (${
			sorted[0].backend}) to ${as(value(sorted[sorted.length - 1]))} (${
			sorted[sorted.length - 1].backend}).` + how_few(ends(largest(), value).length, largest().length) : '';
	}, () => lines(ends(largest(), value).map(({ backend }) => {
		const list = rows().filter(row => row.backend === backend);

		return { row: list[0], points: true, data: list.map(row => ({ x: row.size_bytes, y: value(row) })) };
	}), {
		x: value_axis('bytes of a record', String), y: value_axis(mode === 'throughput' ? 'bytes a second' : 'median', as),
	}, item => `${item.dataset.label}, ${item.parsed.x} bytes: ${as(item.parsed.y)}`),
	() => table(title, ['mechanism', 'figure', 'wait', 'place', 'bytes'], rows().map(row =>
		[row.backend, as(value(row)), row.wait, row.placement, row.size_bytes])));
}

/* ---- the heat map: a table, so that it reads without colours, too ---- */

function shade(share) {
	/* from blue over nothing to orange, at a strength that leaves text readable */
	const tone = share < 0.5 ? '26, 131, 219' : '209, 96, 34';

	return `rgba(${tone}, ${(Math.abs(share - 0.5) * 1.1).toFixed(2)})`;
}

function heat_map() {
	const all = ours.filter(row => is_pair(row) && times(row));
	const key = row => `${row.backend}, ${row.wait}, ${row.size_bytes} bytes`;
	const keys = unique(all.map(key));

	if (!all.length) return;
	const parent = section('Core to core', 'Median round trip between each two CPUs; on the diagonal both ' +
		'run on one CPU. Shades go from the fastest pair (blue) to the slowest (orange), by logarithm.');
	const place = element('div'), says = element('p', { class: 'soft small' });
	const draw = chosen => {
		const rows = all.filter(row => key(row) === chosen);
		const cpus = unique(rows.flatMap(row => [row.hub_cpu, row.slot_cpu])).sort((a, b) => a - b);
		const sorted = [...rows].sort((a, b) => times(a).p50 - times(b).p50);
		const low = Math.log(times(sorted[0]).p50);
		const high = Math.log(times(sorted[sorted.length - 1]).p50);

		says.textContent = `${chosen}: from ${time(Math.exp(low))} (${sorted[0].placement}) to ` +
			`${time(Math.exp(high))} (${sorted[sorted.length - 1].placement}).`;
		place.replaceChildren(table(`Core to core: ${chosen}`, ['CPU', ...cpus], cpus.map(a =>
			[a, ...cpus.map(b => {
				const row = rows.find(r => (r.hub_cpu === a && r.slot_cpu === b) ||
					(r.hub_cpu === b && r.slot_cpu === a));
				const cell = element('td', {}, row ? time(times(row).p50) : '\u2013');

				if (row && high > low)
					cell.style.backgroundColor = shade((Math.log(times(row).p50) - low) / (high - low));
				if (row)
					cell.title = `share: ${row.shares}`;
				return cell;
			})]), 'heat'));
	};

	selector(parent, 'Shown', keys, draw);
	parent.append(place, says);
	draw(keys[0]);
	plots++;
}

/* ---- the rest ---- */

function flatten(value, path, into) {
	if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
		for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into);
	} else {
		into.push([path, element('td', { class: 'long' }, Array.isArray(value) ?
			value.map(v => typeof v === 'object' ? Object.values(v).join(' ') : v).join(', ') || 'none' :
			value === null ? 'not known, or no limit' : String(value))]);
	}
	return into;
}

function environment() {
	const parent = section('The machine', 'Everything that a figure here depends on.');
	const bad = result.results.filter(row => row.status !== 'ok');
	const add = (title, made) => parent.append(element('details', {}, element('summary', {}, title), made));

	add('Environment, clock and baselines', table('Environment', ['what', 'value'], flatten({
		...result.environment, clock: result.clock, baselines: result.baselines, rounds: result.rounds,
		seconds: result.wall_s }, '', [])));
	if (result.skipped.length)
		add(`Left out: ${result.skipped.length}`, table('Left out', ['what', 'why'], result.skipped.map(skip =>
			[[skip.backend, skip.api === 'floor' ? 'floor' : '', skip.mode, skip.wait, skip.placement,
				skip.size_bytes && `${skip.size_bytes} B`].filter(Boolean).join(', '),
			element('td', { class: 'long' }, skip.reason)])));
	if (bad.length)
		parent.append(table('Rows that did not end well', ['what', 'status', 'why'], bad.map(row =>
			[`${row.backend} ${row.api}, ${row.mode}, ${how(row)}`, row.status,
				element('td', { class: 'long' }, row.reason || '')])));
}

function head() {
	const env = result.environment, cpu = env.cpu || {}, meaning = document.getElementById('meaning');
	const line = result.baselines.line_rtt_ns;

	document.getElementById('machine').textContent =
		`${cpu.model || '?'}${cpu.virtual ? ' (virtual)' : ''}, ${cpu.cpus} CPUs, Linux ` +
		`${env.kernel ? env.kernel.release : '?'}; ${env.date}; ipcdemo ${env.version}; ${result.rounds} rounds` +
		(line ? `; bare cache line between two CPUs: ${time(line)} a round trip` : '');
	if (result.meaning) {
		meaning.textContent = result.meaning;
		meaning.hidden = false;
	}
	for (const warning of env.warnings || [])
		document.getElementById('warnings').append(
			element('p', { class: 'warn' }, `Not quiet: ${warning}.`));
}

/* For a check without eyes: how many plots and charts there are, how many charts have any pixel, what
   went wrong, whether anything sticks out, and the least contrast of a colour in use. */
function publish() {
	const root = document.documentElement;
	const light = value => {
		const parts = value.match(/\w\w/g).map(hex => parseInt(hex, 16) / 255)
			.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);

		return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05;
	};
	const drawn = charts.filter(entry => {
		const { width, height } = entry.canvas;

		return width && height && entry.canvas.getContext('2d').getImageData(0, 0, width, height)
			.data.some(byte => byte);
	});
	const paper = light(css('--panel'));
	const contrasts = backends.map(backend => light(colour({ backend })))
		.map(value => Math.max(value, paper) / Math.min(value, paper));

	for (const box of document.querySelectorAll('.scroll'))
		box.classList.toggle('more', box.scrollWidth > box.clientWidth);
	Object.assign(root.dataset, { charts: charts.length, drawn: drawn.length, plots, errors: errors.length,
		wide: root.scrollWidth > innerWidth ? 1 : 0, contrast: Math.floor(100 * Math.min(...contrasts)) });
}

head();
glance();
filter();
found_rates();
latency('latency', 'Round trips', 'The median time for a record to go and its answer to come back.');
latency('oneway', 'One way', 'The median time of a record from its sender to its receiver, by one clock.');
throughput();
starts();
ratios('latency', 'Round trips against the bare system calls');
ratios('oneway', 'One way against the bare system calls');
ratios('throughput', 'Throughput against the bare system calls');
curves();
sweep('latency', 'Round trips by record size', row => times(row) && times(row).p50, time, 'lower');
sweep('throughput', 'Throughput by record size', row => row.bytes_per_s, value => `${count(value)}B/s`, 'higher');
heat_map();
environment();
publish();
addEventListener('resize', publish);
document.addEventListener('toggle', publish, true);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
	for (const draw of redraws) draw();
});
})();
