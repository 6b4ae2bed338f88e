package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"peerphone/node"
)

// answering is a page that knows anna, 1007, and nobody who is called berta; whatever
// has to do with carla nobody can tell.
func answering(t *testing.T) string {
	var words string
	asked := 0
	read := func(r *http.Request, field string) string {
		body := map[string]string{}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		return body[field]
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/look", func(w http.ResponseWriter, r *http.Request) {
		v := node.LookView{Outcome: "nobody"}
		switch who := read(r, "who"); {
		case who == "anna", who == "1007":
			v = node.LookView{Outcome: "found", Name: "anna", Number: "1007", Milliseconds: 95}
		case who == "carla":
			v.Outcome = "cannot tell"
		}
		json.NewEncoder(w).Encode(v)
	})
	mux.HandleFunc("POST /api/v1/search", func(w http.ResponseWriter, r *http.Request) {
		words, asked = read(r, "words"), 0
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /api/v1/state", func(w http.ResponseWriter, _ *http.Request) {
		v := node.InquiryView{Words: words, Outcome: "nobody"}
		asked++
		v.Settled = asked > 1
		switch {
		case strings.Contains(words, "Anna"):
			v.Outcome, v.Whole = "found", true
			v.Found = []node.FoundView{{Display: "Anna Meyer", Name: "anna2"}, {Display: "Anna Schmidt", Name: "anna", Number: "1007"}}
		case strings.Contains(words, "carla"):
			v.Outcome = "cannot tell"
		}
		json.NewEncoder(w).Encode(map[string]any{"inquiry": v})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestSearch(t *testing.T) {
	page := answering(t)
	for _, c := range []struct {
		who  string
		want error
		says []string
	}{
		{"anna", nil, []string{"anna, number 1007 (after 95 ms)"}},
		{"1007", nil, []string{"anna, number 1007"}},
		{"1008", errNobody, []string{"Nobody has 1008, for certain"}},
		{"Anna", nil, []string{"Anna Meyer, name anna2, number not listed", "Anna Schmidt, name anna, number 1007", "nobody else, for certain"}},
		{"Anna Schmidt", nil, []string{"Anna Schmidt"}},
		{"berta", errNobody, []string{"Nobody has berta", "Nobody lets himself be found"}},
		{"carla", errCannotTell, []string{"Whether somebody has carla", "Whether somebody is found by"}},
	} {
		var out strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := search{page, &out}.run(ctx, strings.Fields(c.who))
		cancel()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.who, err, c.want)
		}
		for _, says := range c.says {
			if !strings.Contains(out.String(), says) {
				t.Errorf("%s: said %q, want %q", c.who, out.String(), says)
			}
		}
	}
	if code(errNobody) != exitNobody || code(errCannotTell) != exitCannotTell {
		t.Error("other exit codes")
	}
}

func TestSearchWithoutAPhone(t *testing.T) {
	err := search{"http://127.0.0.1:1", &strings.Builder{}}.run(t.Context(), []string{"1007"})
	if err == nil || !strings.Contains(err.Error(), "does it run") {
		t.Errorf("%v", err)
	}
}
