// Shows Rapport's push messages. In a service worker of your own site: importScripts("https://your-rapport/push-worker.js")
self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data ? event.data.json() : {};
  } catch {
    // Not ours.
  }
  if (typeof message.title !== "string") return;
  const options = { body: message.body || "", data: { url: message.url || "" }, tag: message.id };
  if (message.image) options.image = message.image;
  event.waitUntil(self.registration.showNotification(message.title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = (event.notification.data || {}).url || "";
  if (/^https?:\/\//.test(url)) event.waitUntil(self.clients.openWindow(url));
});
