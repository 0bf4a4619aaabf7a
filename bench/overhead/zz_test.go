package main
import ("testing";"os";"example.com/parley/bench/report";"example.com/parley/bench/program";"strings")
func TestZZ(t *testing.T){
 if os.Getenv("ZZ")=="" {t.Skip()}
 o, err := parseOptions(strings.Fields(os.Getenv("ZZ"))); if err!=nil {t.Fatal(err)}
 line := report.New(t.Context(),"overhead")
 l := layoutOf(program.Cores())
 r := &rig{folder:t.TempDir(), layout:l, key:"pk_bench_x"}
 r.files.upstream, r.files.bareproxy = "/tmp/eng/upstream", "/tmp/eng/bareproxy"
 for _, address := range []*string{&r.upstreamAt, &r.bareproxyAt, &r.serverAt, &r.adminAt} { *address, _ = program.FreeAddress() }
 if err := r.startUpstream(t.Context()); err != nil {t.Fatal(err)}
 if err := r.startBareproxy(t.Context()); err != nil {t.Fatal(err)}
 defer r.close()
 r.files.server="/tmp/eng/standin/parley"
 settle(l.Load)
 if err := r.startServer(t.Context(), ""); err!=nil {t.Fatal(err)}
 b := &bench{options:o, line:line, rig:r, key:r.key}
 if err := b.runParts(t.Context()); err!=nil {t.Error(err)}
 line.Print(os.Stdout)
}
