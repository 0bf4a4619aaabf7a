package openai

import (
	"maps"
	"slices"
)

// appendMetadata writes pairs in the order of their keys, so that two replies
// about one thing are equal.
func appendMetadata(dst []byte, pairs map[string]string) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(pairs)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		dst = appendString(dst, pairs[key])
	}
	return append(dst, '}')
}
