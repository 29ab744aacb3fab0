// Fills the places of a page that are marked with data-rapport-slot. Include it once:
//
//   <script async src="https://crm.example.com/slots.js" data-write-key="..." data-user-id="..." data-user-hash="..."></script>
//   <div data-rapport-slot="hero">What everybody sees until then, and without it.</div>
//
// Texts stay texts; links and pictures are of the web, or left out. With the browser's privacy signal nobody is named and nothing is told.
(function () {
	'use strict';
	var me = document.currentScript;
	if (!me || window.rapportSlots) return;
	var base = new URL(me.src, location.href).origin;
	var said = me.dataset;
	var signal = navigator.globalPrivacyControl === true;

	function anonymous() {
		if (said.anonymousId) return said.anonymousId;
		try {
			// Where Segment's library keeps it.
			return JSON.parse(localStorage.getItem('ajs_anonymous_id') || 'null');
		} catch (error) {
			return null;
		}
	}
	function who() {
		var named = { writeKey: said.writeKey };
		if (signal) return named;
		if (said.userId) {
			named.userId = said.userId;
			named.userHash = said.userHash;
		} else {
			var id = anonymous();
			if (id) named.anonymousId = id;
		}
		return named;
	}
	function post(path, body) {
		// A text, so that the browser need not ask first whether it may.
		return fetch(base + path, { method: 'POST', credentials: 'omit', keepalive: true, body: JSON.stringify(body) });
	}
	function web(url) {
		try {
			var parsed = new URL(url);
			return parsed.protocol === 'https:' || parsed.protocol === 'http:' ? parsed.href : null;
		} catch (error) {
			return null;
		}
	}
	function make(kind, name, text) {
		var element = document.createElement(kind);
		element.className = 'rapport-' + name;
		if (text) element.textContent = text;
		return element;
	}
	function picture(url, alt) {
		var src = web(url);
		if (!src) return null;
		var image = make('img', 'image');
		image.src = src;
		image.alt = alt || '';
		image.loading = 'lazy';
		return image;
	}
	function link(url, name, parts) {
		var href = web(url);
		var element = make(href ? 'a' : 'div', name);
		if (href) element.href = href;
		parts.forEach(function (part) {
			if (part) element.appendChild(part);
		});
		return element;
	}
	function product(one) {
		var price = one.price ? one.price + ' ' + (one.currency || '') : '';
		var parts = [picture(one.image_url, ''), make('span', 'product-name', one.name), price && make('span', 'product-price', price.trim())];
		return link(one.url, 'product', parts);
	}
	function parts(content) {
		var all = [
			picture(content.image_url, content.title),
			content.title && make('strong', 'title', content.title),
			content.body && make('p', 'body', content.body)
		];
		if (content.url) all.push(link(content.url, 'link', [make('span', 'label', content.label || content.title || content.url)]));
		(content.products || []).forEach(function (one) {
			all.push(product(one));
		});
		return all.filter(Boolean);
	}
	/** Told once half of it was in sight for a second, and only of those who are known. */
	function seen(element, shown) {
		var named = who();
		if (!(named.userId || named.anonymousId) || !window.IntersectionObserver) return;
		var timer;
		var observer = new IntersectionObserver(function (entries) {
			clearTimeout(timer);
			if (!entries[entries.length - 1].isIntersecting) return;
			timer = setTimeout(function () {
				observer.disconnect();
				var event = { type: 'track', event: 'Slot Viewed', writeKey: said.writeKey, properties: { slot: shown.slot, variant: shown.variant, reason: shown.reason } };
				if (named.userId) event.userId = named.userId;
				else event.anonymousId = named.anonymousId;
				post('/v1/track', event).catch(function () {});
			}, 1000);
		}, { threshold: 0.5 });
		observer.observe(element);
	}
	function fill(element) {
		var key = element.getAttribute('data-rapport-slot');
		if (!key || element.hasAttribute('data-rapport-filled')) return;
		element.setAttribute('data-rapport-filled', '');
		post('/v1/slots/' + encodeURIComponent(key), who()).then(function (answer) {
			return answer.ok ? answer.json() : null;
		}).then(function (shown) {
			// Nothing to show: the page keeps what it has.
			if (!shown || !shown.content) return;
			var content = parts(shown.content);
			if (!content.length) return;
			element.replaceChildren.apply(element, content);
			element.dispatchEvent(new CustomEvent('rapport:slot', { bubbles: true, detail: shown }));
			seen(element, shown);
		}).catch(function () {});
	}
	function all(root) {
		(root || document).querySelectorAll('[data-rapport-slot]').forEach(fill);
	}
	// Pages that change without loading call rapportSlots.fill() again.
	window.rapportSlots = { fill: all };
	if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', function () { all(); });
	else all();
})();
