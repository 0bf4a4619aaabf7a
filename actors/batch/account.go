package batch

import (
	"sync"

	"example.com/parley/messages"
)

// account bounds the bytes that batches take, and each tenant's part of them, so
// that one tenant's results do not keep the others from theirs. It is safe for
// concurrent use.
type account struct {
	most int64

	mu      sync.Mutex
	all     int64
	tenants map[messages.TenantID]int64
}

// tenantShare is the part of all bytes that one tenant may take.
const tenantShare = 4

func newAccount(most int64) *account {
	return &account{most: most, tenants: make(map[messages.TenantID]int64)}
}

// take adds bytes to what a tenant has, unless there is no room for them.
func (a *account) take(tenant messages.TenantID, bytes int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all+bytes > a.most || a.tenants[tenant]+bytes > a.most/tenantShare {
		return false
	}
	a.all += bytes
	a.tenants[tenant] += bytes
	return true
}

// give takes bytes off again.
func (a *account) give(tenant messages.TenantID, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all -= bytes
	if a.tenants[tenant] -= bytes; a.tenants[tenant] == 0 {
		delete(a.tenants, tenant)
	}
}

// bytes is what all of them take.
func (a *account) bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all
}
