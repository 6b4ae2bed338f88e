package webui

import (
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"peerphone/node"
	"peerphone/node/media"
)

// phone is a telephone with a node, both made up.
type phone struct {
	mu       sync.Mutex
	snapshot node.Snapshot
	did      []string // "5", "lift", "hang up", in order
	fails    error    // of Press and Hook
	watchers map[chan struct{}]bool
}

// newPhone returns the telephone kitchen, which is ready and on the hook.
func newPhone() *phone {
	return &phone{
		watchers: make(map[chan struct{}]bool),
		snapshot: node.Snapshot{
			Version: "1.0",
			Self:    node.Self{Name: "kitchen", Number: "1001", Node: "5f3a91", Phone: true},
			Login:   node.Login{State: "in", Expires: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)},
			Network: node.NetworkView{Listen: "127.0.0.1:40123", Observed: "127.0.0.1:40123", Homes: []string{"a31f", "07bc", "e9d2"}, Members: 3, Published: 6},
			Face:    node.FaceView{Lines: []string{"kitchen 1001", "Ready"}, Lamps: map[string]string{"line": "on", "ring": "off", "inuse": "off"}, Tone: "silent"},
			Call:    node.CallView{State: "idle"},
		},
	}
}

// heardWell and heardBadly are how calls were heard.
var (
	heardWell = node.Heard{
		Score: 108.1, MOS: 4.3, Worst: 88.2, WorstAt: 71 * time.Second, Mouth: 84 * time.Millisecond, Concealed: 40 * time.Millisecond, Lost: 3,
	}
	heardBadly = node.Heard{Score: 60.4, MOS: 2.4, WorstAt: 9 * time.Second, Mouth: 700 * time.Millisecond}
)

// talkedBefore is a telephone that has been in use for a while.
func talkedBefore(s *node.Snapshot) {
	now := time.Now()
	s.Calls = []node.LoggedCall{
		{Direction: "missed", Number: "1003", At: now.Add(-20 * time.Minute), Reason: "no answer"},
		{Direction: "received", Name: "workshop", Number: "1002", At: now.Add(-26 * time.Hour), Seconds: 754, Reason: "hung up", Sound: heardWell},
		{Direction: "made", Name: "workshop", Number: "1002", At: now.Add(-70 * time.Hour), Seconds: 61, Reason: "we hung up", Sound: heardBadly},
	}
}

func (p *phone) Snapshot() node.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.snapshot
}

func (p *phone) Watch() (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan struct{}, 1)
	p.watchers[c] = true
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, c)
	}
}

// become changes the snapshot and tells everyone who watches.
func (p *phone) become(change func(*node.Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.snapshot)
	for c := range p.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// end is the end of the node.
func (p *phone) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.watchers {
		close(c)
	}
	clear(p.watchers)
}

func (p *phone) watched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watchers)
}

func (p *phone) Press(key byte) error {
	return p.do(string(rune(key)), func(s *node.Snapshot) {
		if s.Face.Lifted {
			digits := strings.TrimPrefix(s.Face.Lines[1], "_")
			s.Face.Lines = []string{"Dialling", digits + string(rune(key))}
			s.Face.Tone = "silent"
		}
	})
}

func (p *phone) Hook(lifted bool) error {
	if !lifted {
		return p.do("hang up", func(s *node.Snapshot) {
			s.Face.Lifted, s.Face.Lines, s.Face.Tone = false, []string{"kitchen 1001", "Ready"}, "silent"
		})
	}
	return p.do("lift", func(s *node.Snapshot) {
		s.Face.Lifted, s.Face.Lines, s.Face.Tone = true, []string{"Dial a number", ""}, "dial"
	})
}

func (p *phone) do(what string, change func(*node.Snapshot)) error {
	p.mu.Lock()
	err := p.fails
	if err == nil {
		p.did = append(p.did, what)
	}
	p.mu.Unlock()
	if err == nil {
		p.become(change)
	}
	return err
}

// log returns what was done to the telephone.
func (p *phone) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.did, " ")
}

// The states that a telephone is shown in.

func ringing(s *node.Snapshot) {
	s.Call = node.CallView{State: "ringing here", Incoming: true, Peer: "workshop", Number: "1002", Since: time.Now()}
	s.Face = node.FaceView{Lines: []string{"Call from", "workshop 1002"}, Lamps: map[string]string{"line": "on", "ring": "flash", "inuse": "off"}, Tone: "silent", Ringing: true}
}

func inCall(seconds int) func(*node.Snapshot) {
	return func(s *node.Snapshot) {
		s.Call = node.CallView{
			State: "talking", Incoming: true, Peer: "workshop", Number: "1002", Contact: true, Codec: "pcm", Path: "direct",
			Safety: "83710 02941 55820 19374 60021 77345 10482 93310 45562 08817 26409 71533",
			Since:  time.Now().Add(-time.Duration(seconds) * time.Second),
			Media:  media.Stats{Sent: uint64(50 * seconds), Received: uint64(50*seconds) - 3, Lost: 3, Late: 1, Concealed: 6, Now: nowTalking(48, 40), Seconds: float64(seconds)},
		}
		for i := range seconds {
			t := float64(i)
			h := media.Second{At: t + 1, BytesUp: 4900, BytesDown: 4850, Now: nowTalking(44+9*math.Sin(t/7)+3*math.Sin(t*1.7), 34+8*math.Sin(t/7+.4))}
			if i%37 == 20 {
				h.Lost, h.Concealed, h.MouthMS = 1, 2, h.MouthMS+18
			}
			s.Call.History = append(s.Call.History, h)
		}
		s.Face = node.FaceView{Lines: []string{"Talking " + clock(float64(seconds)), "workshop 1002"}, Lamps: map[string]string{"line": "on", "ring": "off", "inuse": "on"}, Tone: "silent", Lifted: true}
		s.Timing = node.Timing{Login: 212, Search: 18, Setup: 96, Direct: 41}
	}
}

func nowTalking(delay, buffer float64) media.Now {
	return media.Now{
		DelayMS: delay, MouthMS: delay + 40, TargetMS: 30, BufferMS: buffer, RTTMS: 27, SkewPPM: 12, LevelIn: -21, LevelOut: -34,
		Bitrate: 18400, PacketMS: 20, AllowedUp: 5000, LossUp: .002, Score: 105, MOS: 4.06,
	}
}

func refused(s *node.Snapshot) {
	s.Login = node.Login{State: "refused", Problem: "The login server does not know the password of kitchen. Correct it in the file password and restart the telephone."}
	s.Network.Homes, s.Network.Published = nil, 0
	s.Face.Lines = []string{"kitchen 1001", "See the web page"}
	s.Face.Lamps = map[string]string{"line": "flash", "ring": "off", "inuse": "off"}
}

var errStuck = errors.New("sim: the keypad is stuck")

// page returns the handler of a telephone that answers to phone.test.
func (p *phone) page(t testing.TB) *UI {
	t.Helper()
	u := New(Config{Node: p, Appliance: p, Owner: p, Hosts: []string{"phone.test", "[2001:db8::7]:8081", "192.0.2.7"}})
	t.Cleanup(func() { u.Close() })
	return u
}

// ask sends one request to h; change may dress it.
func ask(h http.Handler, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "phone.test"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// with sets a header of a request.
func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func at(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func request(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }
