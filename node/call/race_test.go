//go:build race

package call

const raceDetector = true
