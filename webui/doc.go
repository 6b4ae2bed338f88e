// Package webui is the telephone's page on the local network: a drawn handset
// that is live and can be used, and below it what the node is doing.
//
// The routes:
//
//	GET  /                the page; with ?still it neither reloads nor moves
//	GET  /assets/NAME     style, script and icon, cached by their content
//	GET  /api/v1/state    node.Snapshot as JSON
//	GET  /api/v1/events   the same, live: Server-Sent Events "state"
//	POST /api/v1/key      {"key":"5"}: press and release a key
//	POST /api/v1/hook     {"lifted":true}: lift the receiver or put it back
//	POST /api/v1/hold     {"on":true}: put the call on hold, or take it back
//	GET  /page/state      the parts of the page that change, as JSON
//	GET  /page/events     the same, live: Server-Sent Events "page"
//
// Every word and every line of a drawing is chosen in Go, once: the page is
// rendered with it, and what changes later is sent to the page's script, which
// only puts it in its place. So the page reads the same with and without
// script.
//
// The page has no password yet: whoever reaches it uses the telephone. It is
// to be served to loopback only until the phone can be claimed.
package webui
