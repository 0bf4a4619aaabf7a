package spool

import "os"

// fill writes zeros, which makes blocks where the system has no other word for it.
func fill(file *os.File, size int64) error {
	zeros := make([]byte, 64<<10)
	for size > 0 {
		n, err := file.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
