package pace

import (
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/tun"
)

func TestWhoBringsTooManyWaitsUntilSomeCameOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(10)
		w.In(9)
		w.Wait() // there is room
		w.In(5)
		began := time.Now()
		go func() {
			time.Sleep(patience / 2)
			w.Out(3)
			time.Sleep(patience / 2)
			w.Out(2)
		}()
		w.Wait()
		if took := time.Since(began); took != patience || w.inside.Load() != 9 {
			t.Errorf("waited %v, %d are inside", took, w.inside.Load())
		}
	})
}

func TestWhatNeverComesOutIsTakenForLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(10)
		w.In(30)
		began := time.Now()
		var both sync.WaitGroup
		for range 2 { // the receivers of both families
			both.Go(w.Wait)
		}
		both.Wait()
		if took := time.Since(began); took > 2*patience {
			t.Errorf("waited %v", took)
		}
		w.Out(30) // late
		w.In(9)
		began = time.Now()
		if w.Wait(); time.Since(began) != 0 {
			t.Error("what came out late counts")
		}
		w.In(1)
		if w.Wait(); time.Since(began) == 0 {
			t.Error("what came out late makes more room than there is")
		}
	})
}

// sink takes and gives packets at once.
type sink struct{ tun.Device }

func (sink) Write(bufs [][]byte, _ int) (int, error) { return len(bufs), nil }
func (sink) Read(_ [][]byte, sizes []int, _ int) (int, error) {
	copy(sizes, []int{5, 0, 7})
	return 3, os.ErrClosed
}

func TestTheDeviceTellsBothWindows(t *testing.T) {
	in, out := NewWindow(100), NewWindow(100)
	in.In(10)
	d := Wrap(sink{}, in, out)
	d.Write(make([][]byte, 4), 0)
	if n, err := d.Read(nil, make([]int, 3), 0); n != 3 || err != os.ErrClosed || in.inside.Load() != 6 || out.inside.Load() != 2 {
		t.Errorf("%d, %v; %d and %d are under way", n, err, in.inside.Load(), out.inside.Load())
	}
}
