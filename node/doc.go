// Package node is the phone without its hardware: it owns the cores, the one
// loop that drives them, and the sockets.
//
// Glossary: see ARCHITECTURE.md until every word has its core.
package node
