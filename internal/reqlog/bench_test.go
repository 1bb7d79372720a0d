package reqlog

import (
	"io"
	"testing"
	"time"
)

func fillBench(r *Record) {
	r.ID, r.Time, r.Status, r.Operation = "a7dbf4d4-dd4d-4586-b247-e0ca4dd2255b", time.Now(), 200, "ResolveCustomer"
	r.Remote, r.AccessKeyID, r.Principal, r.Region = "127.0.0.1:54321", "AKIASOUKSELLER2EXAMP", "arn:aws:iam::111122223333:user/seller", "us-east-1"
	r.ProductCode = "7gs5x0soukanalytics0legac"
}

func BenchmarkCommit(b *testing.B) {
	l := New(Config{})
	b.ReportAllocs()
	for b.Loop() {
		r := l.Begin()
		fillBench(r)
		l.Commit(r)
	}
}

func BenchmarkCommitWithLine(b *testing.B) {
	l := New(Config{AccessLog: io.Discard})
	b.ReportAllocs()
	for b.Loop() {
		r := l.Begin()
		fillBench(r)
		l.Commit(r)
	}
}
