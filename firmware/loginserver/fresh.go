package main

import (
	"log/slog"
	"os"
	"sync"
	"time"
)

// freshParams hands out the network parameters, and reads them again when the
// file has changed. A file that is damaged, or of another network, is logged
// and not used.
type freshParams struct {
	// constant after construction
	folder folder
	log    *slog.Logger

	mu   sync.Mutex
	now  network     // guarded by mu
	read os.FileInfo // guarded by mu; of the file that was read last, nil at first
}

func newFreshParams(f folder, n network, log *slog.Logger) *freshParams {
	return &freshParams{folder: f, log: log, now: n}
}

// get returns the signed parameters.
func (p *freshParams) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.folder.path(paramsFile))
	if err != nil || p.read != nil && os.SameFile(info, p.read) && info.ModTime().Equal(p.read.ModTime()) {
		return p.now.signed
	}
	p.read = info
	p.takeLocked()
	return p.now.signed
}

func (p *freshParams) takeLocked() {
	n, err := p.folder.network()
	switch {
	case err != nil:
		p.log.Error("loginserver: new parameters not used", "error", err)
	case n.id != p.now.id || n.params.Issuing != p.now.params.Issuing:
		p.log.Error("loginserver: new parameters not used: they are of another network or name another issuing key")
	case n.params.Sequence > p.now.params.Sequence:
		p.log.Info("loginserver: new parameters", "sequence", n.params.Sequence, "bootstrap", len(n.params.Bootstrap),
			"until", time.Unix(n.params.NotAfter, 0).UTC().Format(time.DateOnly))
		p.now = n
	}
}
