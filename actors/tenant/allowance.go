package tenant

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxListed     = 100 // models, or providers, that one tenant or key may be allowed
	maxListedName = 256 // bytes
)

// tidyAllowance sorts both lists and refuses what can be no name, so that two
// that mean the same are the same.
func tidyAllowance(models, providers *[]string) (err error) {
	if *models, err = tidy("models", *models); err != nil {
		return err
	}
	for _, name := range *models {
		if at := strings.IndexByte(name, '*'); at >= 0 && at != len(name)-1 {
			return invalid("models", fmt.Sprintf("%q has a * before its end", name), "give whole names, or the beginning of names with a * behind it, such as gpt-*")
		}
	}
	if *providers, err = tidy("providers", *providers); err != nil {
		return err
	}
	for _, name := range *providers {
		if strings.ContainsAny(name, "*/") {
			return invalid("providers", fmt.Sprintf("%q is the name of no provider", name), "give names as the configuration has them")
		}
	}
	return nil
}

// tidyChange tidies what is there of a change.
func tidyChange(models, providers **[]string) error {
	var none []string
	of := func(list **[]string) *[]string {
		if *list == nil {
			return &none
		}
		own := slices.Clone(**list) // not the caller's
		*list = &own
		return *list
	}
	return tidyAllowance(of(models), of(providers))
}

// tidy returns a list sorted and without what is in it twice; nil for an empty
// one.
func tidy(param string, names []string) ([]string, error) {
	if len(names) > maxListed {
		return nil, invalid(param, fmt.Sprintf("%s has more than %d names", param, maxListed), "give beginnings of names with a * behind them")
	}
	own := slices.Clone(names)
	slices.Sort(own)
	own = slices.Compact(own)
	for _, name := range own {
		if name == "" || len(name) > maxListedName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return nil, invalid(param, param+" has a name that is none", "leave it out: an empty list allows all")
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	return own, nil
}
