package natlab

import (
	"context"
	"testing"
	"time"
)

// BenchmarkSite reports how long it takes to make a site with one host, and to
// remove it.
func BenchmarkSite(b *testing.B) {
	lab, err := Open(context.Background(), nil)
	if err != nil {
		b.Skip(err)
	}
	defer lab.Close()
	for _, k := range []Kind{PortRestricted, Predictable, CarrierSymmetric} {
		b.Run(k.String(), func(b *testing.B) {
			var made, removed time.Duration
			for b.Loop() {
				start := time.Now()
				s, err := lab.Site("site", k)
				must(b, err)
				_, err = s.Host("phone")
				must(b, err)
				made += time.Since(start)
				start = time.Now()
				must(b, s.Close())
				removed += time.Since(start)
			}
			b.ReportMetric(float64(made.Milliseconds())/float64(b.N), "ms/made")
			b.ReportMetric(float64(removed.Milliseconds())/float64(b.N), "ms/removed")
		})
	}
}
