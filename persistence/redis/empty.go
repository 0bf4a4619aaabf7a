package redis

import (
	"context"
	"strings"
	"time"

	"example.com/parley/messages"
)

// scanned is how many names one look through Redis is about.
const scanned = 500

// Empty takes all records of a tenant out. It fails while Redis is gone.
func (r *Records) Empty(ctx context.Context, tenant messages.TenantID) error {
	pattern := literal(r.names.entries+string(tenant)) + ":*"
	for cursor := uint64(0); ; {
		names, next, err := r.client.Scan(ctx, cursor, pattern, scanned).Result()
		if err == nil && len(names) > 0 {
			err = r.client.Unlink(ctx, names...).Err()
		}
		if err != nil {
			return &messages.Failure{
				Code: messages.CodeStoreUnavailable, What: "the shared cache cannot be emptied, because Redis does not answer",
				Do: "see to Redis; it is tried again", RetryAfter: time.Second, Cause: err,
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// literal keeps a text from being read as a pattern.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}
