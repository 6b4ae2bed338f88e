package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// paperRow is a line of the table: what was measured, the paper's figure, and
// ours in each of the three set-ups.
type paperRow struct {
	what  string
	paper string
	ours  func(*paperSetup) string
}

// paperRows are the paper's figures, from its sections 3 and 4.
var paperRows = []paperRow{
	{"first login: able to be called", "3-7 s; no UDP 34 s", func(p *paperSetup) string { return seconds(p.First.ReadyMS) }},
	{"first login: bytes", "9, 10, 8.5 kB", func(p *paperSetup) string { return kB(p.First.Bytes) }},
	{"  of them with the login server", "", func(p *paperSetup) string { return kB(p.First.LoginBytes) }},
	{"later login: attached", "", func(p *paperSetup) string { return seconds(p.Later.AttachedMS) }},
	{"later login: able to be called", "3-4 s", func(p *paperSetup) string { return seconds(p.Later.ReadyMS) }},
	{"later login: bytes to the first home", "", func(p *paperSetup) string { return kB(p.Later.AttachedBytes) }},
	{"  with all until then", "", func(p *paperSetup) string { return kB(p.Later.UntilBytes) }},
	{"later login: bytes, three homes", "", func(p *paperSetup) string { return kB(p.Later.Bytes) }},
	{"host cache flushed: able to be called", "cannot connect", func(p *paperSetup) string { return seconds(p.Flushed.ReadyMS) }},
	{"NAT and firewall found", "yes", func(p *paperSetup) string { return strings.Join(slices.Compact(slices.Clone(p.NAT)), ", ") }},
	{"search", "3-4 s; no UDP 5-6 s", func(p *paperSetup) string { return seconds(p.Call.SearchMS) }},
	{"call set-up: until it rings", "", func(p *paperSetup) string { return seconds(p.Call.SetupMS) }},
	{"path of the voice", "UDP; no UDP: TCP by a node", func(p *paperSetup) string { return p.Call.Path }},
	{"voice, each way", "5 kB/s (3-16)", func(p *paperSetup) string { return fmt.Sprintf("%.1f, %.1f kB/s", p.Call.UpKBs, p.Call.DownKBs) }},
	{"idle: packets a minute", "TCP, every 60 s", func(p *paperSetup) string { return orDash(p.Idle.PacketsPerMinute, "%.0f") }},
	{"idle: bytes a minute", "", func(p *paperSetup) string { return orDash(p.Idle.BytesPerMinute, "%.0f") }},
	{"keep-alive on hold", "3 packets/s", func(p *paperSetup) string { return orDash(p.Hold.KeepAlives, "%.1f packets/s") }},
	{"  all that is sent on hold", "", func(p *paperSetup) string { return orDash(p.Hold.UpBytes, "%.0f B/s") }},
}

// paperSaid is what the paper says of speech at a rate.
var paperSaid = map[float64]string{16: "good", 5: "good", 2: "reasonable", 1.5: "almost unintelligible"}

func seconds(ms float64) string { return orDash(ms/1000, "%.2f s") }
func kB(bytes int) string       { return orDash(float64(bytes)/1000, "%.1f kB") }

func orDash(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// print writes the result.
func (r *paperResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	if len(r.Setups) < len(paperSetups()) {
		return r.printSpeech(w)
	}
	fmt.Fprintf(w, "\n  %-38s %-28s", fmt.Sprintf("round trip %.0f ms", r.RTTMS), "Skype 0.97 (2004)")
	for _, s := range r.Setups {
		fmt.Fprintf(w, " %-20s", s.Name)
	}
	fmt.Fprintln(w)
	for _, row := range paperRows {
		fmt.Fprintf(w, "  %-38s %-28s", row.what, row.paper)
		for _, s := range r.Setups {
			fmt.Fprintf(w, " %-20s", row.ours(s))
		}
		fmt.Fprintln(w)
	}
	if r.Return.AfterS > 0 {
		fmt.Fprintf(w, "  %-38s %-28s %v\n", "the firewall lets UDP through", "", r.Return)
	}
	if r.Band.High > 0 {
		fmt.Fprintf(w, "  %-38s %-28s %.0f-%.0f Hz\n", "codec, -3 dB", "50-8000 Hz", r.Band.Low, r.Band.High)
	}
	if err := r.printSpeech(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n  Rates and bytes count IP headers, not Ethernet's. Conferences follow with that feature.")
	return err
}

// printSpeech writes what is left of speech on narrow lines.
func (r *paperResult) printSpeech(w io.Writer) (err error) {
	for _, s := range r.Speech {
		if _, err = fmt.Fprintf(w, "  %-38s %-28s %v\n", fmt.Sprintf("speech at %v kB/s each way", s.KBs), paperSaid[s.KBs], s); err != nil {
			break
		}
	}
	return err
}
