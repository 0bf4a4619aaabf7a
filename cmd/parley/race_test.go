//go:build race

package main

// raceFlag builds the binary under test as its tests are built.
const raceFlag = "-race"
