package admin_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// valve plays the clients' listener. It ends with a drain of 13 seconds.
type valve struct {
	mu sync.Mutex
	d  parleyhttp.Draining
}

func (v *valve) Drain(patience time.Duration) parleyhttp.Draining {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.d = parleyhttp.Draining{Until: time.Unix(int64(patience/time.Second), 0), Running: 3, Final: patience == 13*time.Second}
	return v.d
}

func (v *valve) Undrain() (parleyhttp.Draining, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.d.Final {
		return v.d, &messages.Failure{Code: messages.CodeShuttingDown, What: "too late"}
	}
	v.d = parleyhttp.Draining{}
	return v.d, nil
}

func (v *valve) Draining() parleyhttp.Draining {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.d
}

func TestDrainIsBegunShownAndUndone(t *testing.T) {
	t.Parallel()
	o := &office{}
	url := serve(t, o)
	const serving = `{"object":"drain","state":"serving","until":null,"running":0}`
	for _, step := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/admin/drain", "", 200, serving},
		{"GET", "/readyz", "", 200, "ready"},
		{"POST", "/admin/drain", `{"timeout":"90s"}`, 200, `{"object":"drain","state":"draining","until":90,"running":3}`},
		{"GET", "/admin/drain", "", 200, `"until":90`},
		{"GET", "/readyz", "", 503, "3 requests run"},
		{"POST", "/admin/drain", "", 200, `"until":0`}, // as configured
		{"POST", "/admin/drain", `{}`, 200, `"until":0`},
		{"POST", "/admin/drain", `{"timeout":"11m"}`, 400, `"param":"timeout"`},
		{"POST", "/admin/drain", `{"timeout":"-1s"}`, 400, `"param":"timeout"`},
		{"POST", "/admin/drain", `{"timeout":90}`, 400, `invalid_json`},
		{"POST", "/admin/drain", `{"time":"90s"}`, 400, `time`},
		{"DELETE", "/admin/drain", "", 200, serving},
		{"GET", "/readyz", "", 200, "ready"},
		{"POST", "/admin/drain", `{"timeout":"13s"}`, 200, `"state":"ending"`},
		{"DELETE", "/admin/drain", "", 503, "too late"},
	} {
		if status, answer := call(t, step.method, url+step.path, adminKey, step.body); status != step.status || !strings.Contains(answer, step.answer) {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, answer, step.status, step.answer)
		}
	}
	if status, answer := call(t, "POST", url+"/admin/drain", memberKey, ""); status != 403 {
		t.Errorf("with a member's key: %d %s", status, answer)
	}
	noted := o.lastNoted()
	if len(noted) != 5 || noted[0].Action != "server.drain" || !strings.Contains(noted[0].After, "draining") || noted[3].Action != "server.resume" {
		t.Errorf("noted: %+v", noted)
	}
}
