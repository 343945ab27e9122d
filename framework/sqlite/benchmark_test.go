package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/minos-framework/minos-go/framework/unit"
)

func BenchmarkStore_Commit(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("create, %d callers", callers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "store.db"))
			var left atomic.Int64
			left.Store(int64(b.N))
			done := make(chan error)
			b.ReportAllocs()
			b.ResetTimer()
			for range callers {
				go func() {
					var err error
					for err == nil && left.Add(-1) >= 0 {
						err = s.Commit(b.Context(), version(unit.NewID(), 1))
					}
					done <- err
				}()
			}
			for range callers {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}
