// Package program builds, starts, ends and watches the programs that a
// benchmark drives from outside. What a program is told is said to it alone:
// variables of the caller's environment that would configure Parley or its
// providers are not passed on.
package program
