package node

import "testing"

func TestSettingsKept(t *testing.T) {
	s, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	begin := Settings{CheckReleases: true}
	if got, err := s.settings(begin); err != nil || got != begin {
		t.Errorf("before a choice: %+v, %v; want %+v", got, err, begin)
	}
	if err := s.keepSettings(Settings{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.settings(begin); err != nil || got != (Settings{}) {
		t.Errorf("after it: %+v, %v", got, err)
	}
	if err := s.write(settingsFile, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.settings(begin); err != nil || got != begin {
		t.Errorf("damaged: %+v, %v; want %+v", got, err, begin)
	}
}
