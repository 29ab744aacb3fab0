// Shows a survey on a page of the company's own. Include it once:
//
//   <script async src="https://crm.example.com/survey.js" data-survey="https://crm.example.com/s/..." data-after="20"></script>
//
// data-survey  a link of the mode `widget`, which the survey's page makes
// data-after   opens by itself after so many seconds; without it, only when it is asked for
// data-label   a button at the edge that opens it, with this text
// data-days    who closed or answered it is not shown it by itself again for so many days (90)
//
// Who is there, if the page says so; without it nobody is named:
//
// data-user-id, data-user-hash  who is signed in, and the proof of it that the company's server makes
// data-anonymous-id             an id of this browser; empty, the one that analytics.js keeps
//
// They are read when it opens, so a page can set them later. The server then says whether it opens for them, and by which link; with the browser's privacy
// signal nobody is named. That needs `connect-src`, too.
//
// It opens beside the page, takes the focus only from who asked for it, and closes with Escape. From the page: window.rapportSurvey.open() as
// whoever wishes it, .offer() as by itself (not for who saw it lately, nor for whom the server spares), and .close().
// Styles are the script's own, in a place of their own, so that a strict content security policy needs `frame-src` and `script-src` only.
(function () {
	'use strict';
	var me = document.currentScript;
	if (!me || window.rapportSurvey) return;
	var said = me.dataset;
	var base = new URL(me.src, location.href).origin;
	var link;
	try {
		link = new URL(said.survey, base);
	} catch (error) {
		return;
	}
	// Nothing else is framed than a survey of the server that the script is from.
	if (link.origin !== base || link.pathname.indexOf('/s/') !== 0) return;
	var chinese = /^zh\b/i.test(document.documentElement.lang || navigator.language || '');
	var words = chinese ? { name: '问卷', close: '关闭' } : { name: 'Survey', close: 'Close' };
	var key = 'rapport-survey:' + link.pathname;
	var signal = navigator.globalPrivacyControl === true;
	// Who was not shown it is asked about again a day later.
	var DAY = 86400000;
	var panel, back;

	function number(text, otherwise) {
		var value = parseFloat(text);
		return value >= 0 ? value : otherwise;
	}
	/** Whether it was seen lately, or is not for them today. Where nothing can be kept it is not shown by itself. */
	function wasSeen() {
		try {
			var since = function (name) {
				return Date.now() - Number(localStorage.getItem(name) || 0);
			};
			return since(key) < number(said.days, 90) * DAY || since(key + ':spared') < DAY;
		} catch (error) {
			return true;
		}
	}
	function remember(what) {
		try {
			localStorage.setItem(key + (what || ''), String(Date.now()));
		} catch (error) {
			// Then it is asked for by its button alone.
		}
	}
	/** Whom the page names, if it does. */
	function who() {
		if (signal) return null;
		if (said.userId) return { userId: said.userId, userHash: said.userHash };
		var id = said.anonymousId;
		if (id === '') {
			try {
				// Where Segment's library keeps it.
				id = JSON.parse(localStorage.getItem('ajs_anonymous_id') || 'null');
			} catch (error) {
				id = null;
			}
		}
		return id ? { anonymousId: id } : null;
	}
	/** The address to show, or none: by the server's word where somebody is named. */
	function address(wished, then) {
		var named = who();
		if (!named) return then(link.href);
		named.survey = link.pathname.slice(3);
		named.wished = wished;
		// A text, so that the browser need not ask first whether it may.
		fetch(base + '/v1/survey-panel', { method: 'POST', credentials: 'omit', referrerPolicy: 'no-referrer', body: JSON.stringify(named) })
			.then(function (answer) {
				return answer.json().then(function (body) {
					if (answer.ok) return body.url;
					console.error('survey.js: ' + (body.detail || answer.status));
					tell('refused');
					throw body;
				});
			})
			.then(function (url) {
				var own = url && new URL(url, base);
				if (own && (own.origin !== base || own.pathname.indexOf('/s/') !== 0)) own = null;
				if (own) own.search = link.search;
				then(own ? own.href : null);
			})
			.catch(function () {
				// Whoever wants to say something can do so all the same, as nobody.
				then(wished ? link.href : null, true);
			});
	}
	function tell(what) {
		document.dispatchEvent(new CustomEvent('rapport:survey', { detail: { what: what } }));
	}

	var host = document.createElement('div');
	host.setAttribute('data-rapport-survey', '');
	var root = host.attachShadow({ mode: 'open' });
	var sheet = new CSSStyleSheet();
	sheet.replaceSync(
		':host{all:initial}' +
			'.panel{position:fixed;inset-block-end:16px;inset-inline-end:16px;z-index:2147483000;box-sizing:border-box;width:min(420px,calc(100vw - 32px));height:min(600px,calc(100vh - 32px));' +
			'display:grid;grid-template-rows:auto 1fr;background:Canvas;color:CanvasText;border:1px solid color-mix(in srgb,CanvasText 18%,Canvas);border-radius:14px;overflow:hidden;box-shadow:0 12px 40px rgb(0 0 0/.22);color-scheme:light dark}' +
			'.bar{display:flex;justify-content:flex-end;padding:6px 6px 0}' +
			'button{font:500 15px/22px system-ui,sans-serif;color:inherit;background:none;border:0;border-radius:8px;cursor:pointer}' +
			'.close{width:40px;height:40px;font-size:22px}' +
			'button:hover{background:color-mix(in srgb,CanvasText 8%,Canvas)}' +
			'button:focus-visible{outline:2px solid;outline-offset:-3px}' +
			'iframe{width:100%;height:100%;border:0;display:block}' +
			'.tab{position:fixed;inset-block-end:16px;inset-inline-end:16px;z-index:2147482999;padding:11px 18px;min-height:44px;background:CanvasText;color:Canvas;box-shadow:0 4px 16px rgb(0 0 0/.2);color-scheme:light dark}' +
			'.tab:hover{background:color-mix(in srgb,CanvasText 85%,Canvas)}' +
			'@media (max-width:480px){.panel{inset:auto 0 0 0;width:100vw;height:min(86vh,640px);border-radius:14px 14px 0 0;border-inline:0;border-block-end:0}}' +
			'@media (prefers-reduced-motion:no-preference){.panel{animation:rise .18s ease-out}@keyframes rise{from{opacity:0;transform:translateY(8px)}}}'
	);
	root.adoptedStyleSheets = [sheet];

	function button(name, text, label, act) {
		var element = document.createElement('button');
		element.type = 'button';
		element.className = name;
		element.textContent = text;
		if (label) element.setAttribute('aria-label', label);
		element.addEventListener('click', act);
		return element;
	}
	/** Opens by itself, if it is for whoever is there. */
	function offer() {
		if (panel || wasSeen()) return;
		address(false, function (href, failed) {
			if (href) open(false, href);
			else if (!failed) remember(':spared');
		});
	}
	function open(byPerson, href) {
		if (panel) return;
		back = byPerson ? document.activeElement : null;
		panel = document.createElement('div');
		panel.className = 'panel';
		panel.setAttribute('role', 'dialog');
		panel.setAttribute('aria-label', words.name);
		var bar = document.createElement('div');
		bar.className = 'bar';
		var closing = button('close', '×', words.close, close);
		bar.appendChild(closing);
		panel.append(bar);
		if (href) show(panel, href);
		else address(true, show.bind(null, panel));
		panel.addEventListener('keydown', escape);
		root.appendChild(panel);
		document.addEventListener('keydown', escape);
		if (tab) tab.hidden = true;
		if (byPerson) closing.focus();
		tell('opened');
	}
	function show(place, href) {
		// It was closed before the server answered.
		if (place !== panel) return;
		var frame = document.createElement('iframe');
		frame.title = words.name;
		frame.referrerPolicy = 'no-referrer';
		frame.src = href;
		var loads = 0;
		frame.addEventListener('load', function () {
			loads += 1;
			// The page after the first: something was sent.
			if (loads === 2) remember();
		});
		place.append(frame);
	}
	function close() {
		if (!panel) return;
		panel.remove();
		panel = null;
		document.removeEventListener('keydown', escape);
		remember();
		if (tab) tab.hidden = false;
		var target = back && back !== document.body && back.isConnected && back !== host ? back : tab;
		if (back && target && target.focus) target.focus();
		back = null;
		tell('closed');
	}
	function escape(event) {
		if (event.key === 'Escape' && panel) close();
	}
	var tab = said.label
		? button('tab', said.label, null, function () {
				open(true);
			})
		: null;
	function begin() {
		document.body.appendChild(host);
		if (tab) root.appendChild(tab);
		var after = number(said.after, -1);
		if (after >= 0 && !wasSeen()) {
			setTimeout(offer, after * 1000);
		}
	}
	window.rapportSurvey = {
		open: function () {
			open(true);
		},
		offer: offer,
		close: close
	};
	if (document.body) begin();
	else document.addEventListener('DOMContentLoaded', begin);
})();
