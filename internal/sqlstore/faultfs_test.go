package sqlstore

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// A file system for SQLite that has every call pass by a test, which may let it through to the operating system's, change it, or answer in its place.
//
// It is a VFS (https://sqlite.org/vfs.html): a struct of C with pointers to functions, which are closures here. What stands in C's memory, or is called
// from there, is kept alive by faultFS. Its files begin with the pointer to our functions, and the operating system's file comes behind.

// fsKind is what a call does.
type fsKind string

const (
	fsOpen     fsKind = "open"
	fsRead     fsKind = "read"
	fsWrite    fsKind = "write"
	fsTruncate fsKind = "truncate"
	fsSync     fsKind = "sync"
	fsSize     fsKind = "size"
	fsLock     fsKind = "lock"
	fsShmMap   fsKind = "shm map"
	fsShmLock  fsKind = "shm lock"
	fsDelete   fsKind = "delete"
	fsAccess   fsKind = "access"
)

// fsCall is a call.
type fsCall struct {
	kind   fsKind
	file   string // without its directory; "" for SQLite's own temporary ones
	offset int64  // of a write; of truncate the size
	data   []byte // of a write: SQLite's memory, good until the call is over. What do writes of it is what is left of it
	create bool   // of open: the file is made unless it is there
	synced bool   // of delete: the directory is synced with it
}

// intercept sees every call. do passes it on; what intercept returns is SQLite's result code.
type intercept func(call *fsCall, do func() int32) int32

// faultFS is a registered file system.
type faultFS struct {
	name      string
	intercept intercept
	base      *sqlite3.Tsqlite3_vfs // the operating system's
	vfs       *sqlite3.Tsqlite3_vfs
	methods   *sqlite3.Tsqlite3_io_methods
	closures  []any // that C has pointers to

	mu    sync.Mutex
	files map[uintptr]string // name by our file's address
}

// fileHead is how much of a file is ours. It keeps what is behind aligned.
const fileHead = 16

// registered numbers file systems: SQLite knows them by name, in the whole process.
var registered atomic.Int64

// newFaultFS registers a file system until the end of the test, by when no store may be open on it.
func newFaultFS(t testing.TB, i intercept) *faultFS {
	t.Helper()
	tls := libc.NewTLS()
	f := &faultFS{name: fmt.Sprintf("fault-%d", registered.Add(1)), intercept: i, files: map[uintptr]string{}}
	name, err := libc.CString(f.name)
	if err != nil {
		t.Fatal(err)
	}
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	f.base = at[sqlite3.Tsqlite3_vfs](base)
	f.vfs, f.methods = allocate[sqlite3.Tsqlite3_vfs](t, tls), allocate[sqlite3.Tsqlite3_io_methods](t, tls)
	f.fillVFS(base, name)
	f.fillMethods()
	if rc := sqlite3.Xsqlite3_vfs_register(tls, uintptr(unsafe.Pointer(f.vfs)), 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("register file system: %d", rc)
	}
	t.Cleanup(func() {
		if len(f.files) > 0 {
			t.Errorf("files are still open: %v", f.files) // and SQLite will call them: so the memory stays
			return
		}
		sqlite3.Xsqlite3_vfs_unregister(tls, uintptr(unsafe.Pointer(f.vfs)))
		for _, p := range []uintptr{name, uintptr(unsafe.Pointer(f.vfs)), uintptr(unsafe.Pointer(f.methods))} {
			libc.Xfree(tls, p)
		}
		tls.Close()
	})
	return f
}

// allocate makes room that is C's: SQLite keeps addresses in it as numbers, which Go's checks of pointers (with -race) let pass for C's memory only.
func allocate[T any](t testing.TB, tls *libc.TLS) *T {
	t.Helper()
	p := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(*new(T))))
	if p == 0 {
		t.Fatal("there is no memory")
	}
	return at[T](p)
}

// at is what C has at an address.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// function is the Go function behind a pointer that C has; pointer is the way back, for a function that is kept alive.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ p uintptr }{p})) }

func pointer[F any](fs *faultFS, f F) uintptr {
	fs.closures = append(fs.closures, f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

// copied is the operating system's file system as it was before the first of ours was registered: from then on SQLite changes, under its own lock, what comes
// next in its list.
var copied struct {
	once sync.Once
	vfs  sqlite3.Tsqlite3_vfs
}

func operatingSystems(base *sqlite3.Tsqlite3_vfs) sqlite3.Tsqlite3_vfs {
	copied.once.Do(func() { copied.vfs = *base })
	return copied.vfs
}

func (f *faultFS) fillVFS(base, name uintptr) {
	v := f.vfs
	*v = operatingSystems(f.base)
	v.FszOsFile, v.FpNext, v.FzName = f.base.FszOsFile+fileHead, 0, name
	v.FxOpen = pointer(f, func(tls *libc.TLS, _, zName, file uintptr, flags int32, out uintptr) int32 {
		at[sqlite3.Tsqlite3_file](file).FpMethods = 0
		name := baseName(zName)
		rc := f.intercept(&fsCall{kind: fsOpen, file: name, create: flags&sqlite3.SQLITE_OPEN_CREATE != 0}, func() int32 {
			at[sqlite3.Tsqlite3_file](file + fileHead).FpMethods = 0
			open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](f.base.FxOpen)
			return open(tls, base, zName, file+fileHead, flags, out)
		})
		if rc == sqlite3.SQLITE_OK {
			at[sqlite3.Tsqlite3_file](file).FpMethods = uintptr(unsafe.Pointer(f.methods))
			f.mu.Lock()
			f.files[file] = name
			f.mu.Unlock()
		}
		return rc
	})
	v.FxDelete = pointer(f, func(tls *libc.TLS, _, zName uintptr, syncDir int32) int32 {
		return f.intercept(&fsCall{kind: fsDelete, file: baseName(zName), synced: syncDir != 0}, func() int32 {
			return function[func(*libc.TLS, uintptr, uintptr, int32) int32](f.base.FxDelete)(tls, base, zName, syncDir)
		})
	})
	v.FxAccess = pointer(f, func(tls *libc.TLS, _, zName uintptr, flags int32, out uintptr) int32 {
		return f.intercept(&fsCall{kind: fsAccess, file: baseName(zName)}, func() int32 {
			return function[func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32](f.base.FxAccess)(tls, base, zName, flags, out)
		})
	})
	v.FxFullPathname = pointer(f, func(tls *libc.TLS, _, zName uintptr, n int32, out uintptr) int32 {
		return function[func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32](f.base.FxFullPathname)(tls, base, zName, n, out)
	})
}

func baseName(zName uintptr) string {
	if zName == 0 {
		return ""
	}
	return filepath.Base(libc.GoString(zName))
}

// fillMethods makes the functions of files. They are of version 2: without memory mapping, which nobody asks for.
func (f *faultFS) fillMethods() {
	type (
		plain = func(*libc.TLS, uintptr) int32
		one   = func(*libc.TLS, uintptr, int32) int32
		size  = func(*libc.TLS, uintptr, int64) int32
		ref   = func(*libc.TLS, uintptr, uintptr) int32
		block = func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	)
	real := func(file uintptr) (uintptr, *sqlite3.Tsqlite3_io_methods) {
		return file + fileHead, at[sqlite3.Tsqlite3_io_methods](at[sqlite3.Tsqlite3_file](file + fileHead).FpMethods)
	}
	call := func(file uintptr, kind fsKind) *fsCall {
		f.mu.Lock()
		defer f.mu.Unlock()
		return &fsCall{kind: kind, file: f.files[file]}
	}
	m := f.methods
	m.FiVersion = 2
	m.FxClose = pointer(f, func(tls *libc.TLS, file uintptr) int32 {
		f.mu.Lock()
		delete(f.files, file)
		f.mu.Unlock()
		r, m := real(file)
		return function[plain](m.FxClose)(tls, r)
	})
	m.FxRead = pointer(f, func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
		return f.intercept(call(file, fsRead), func() int32 {
			r, m := real(file)
			return function[block](m.FxRead)(tls, r, data, n, offset)
		})
	})
	m.FxWrite = pointer(f, func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
		c := call(file, fsWrite)
		c.offset, c.data = offset, unsafe.Slice(at[byte](data), n)
		return f.intercept(c, func() int32 {
			r, m := real(file)
			return function[block](m.FxWrite)(tls, r, data, int32(len(c.data)), offset)
		})
	})
	m.FxTruncate = pointer(f, func(tls *libc.TLS, file uintptr, to int64) int32 {
		c := call(file, fsTruncate)
		c.offset = to
		return f.intercept(c, func() int32 {
			r, m := real(file)
			return function[size](m.FxTruncate)(tls, r, to)
		})
	})
	m.FxSync = pointer(f, func(tls *libc.TLS, file uintptr, flags int32) int32 {
		return f.intercept(call(file, fsSync), func() int32 {
			r, m := real(file)
			return function[one](m.FxSync)(tls, r, flags)
		})
	})
	m.FxFileSize = pointer(f, func(tls *libc.TLS, file, out uintptr) int32 {
		return f.intercept(call(file, fsSize), func() int32 {
			r, m := real(file)
			return function[ref](m.FxFileSize)(tls, r, out)
		})
	})
	m.FxLock = pointer(f, func(tls *libc.TLS, file uintptr, level int32) int32 {
		return f.intercept(call(file, fsLock), func() int32 {
			r, m := real(file)
			return function[one](m.FxLock)(tls, r, level)
		})
	})
	m.FxUnlock = pointer(f, func(tls *libc.TLS, file uintptr, level int32) int32 {
		r, m := real(file)
		return function[one](m.FxUnlock)(tls, r, level)
	})
	m.FxCheckReservedLock = pointer(f, func(tls *libc.TLS, file, out uintptr) int32 {
		r, m := real(file)
		return function[ref](m.FxCheckReservedLock)(tls, r, out)
	})
	m.FxFileControl = pointer(f, func(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32 {
		r, m := real(file)
		return function[func(*libc.TLS, uintptr, int32, uintptr) int32](m.FxFileControl)(tls, r, op, arg)
	})
	m.FxSectorSize = pointer(f, func(tls *libc.TLS, file uintptr) int32 {
		r, m := real(file)
		return function[plain](m.FxSectorSize)(tls, r)
	})
	m.FxDeviceCharacteristics = pointer(f, func(tls *libc.TLS, file uintptr) int32 {
		r, m := real(file)
		return function[plain](m.FxDeviceCharacteristics)(tls, r)
	})
	m.FxShmMap = pointer(f, func(tls *libc.TLS, file uintptr, page, size, extend int32, out uintptr) int32 {
		return f.intercept(call(file, fsShmMap), func() int32 {
			r, m := real(file)
			return function[func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32](m.FxShmMap)(tls, r, page, size, extend, out)
		})
	})
	m.FxShmLock = pointer(f, func(tls *libc.TLS, file uintptr, offset, n, flags int32) int32 {
		do := func() int32 {
			r, m := real(file)
			return function[func(*libc.TLS, uintptr, int32, int32, int32) int32](m.FxShmLock)(tls, r, offset, n, flags)
		}
		if flags&sqlite3.SQLITE_SHM_UNLOCK != 0 { // nobody asks what came of that
			return do()
		}
		return f.intercept(call(file, fsShmLock), do)
	})
	m.FxShmBarrier = pointer(f, func(tls *libc.TLS, file uintptr) {
		r, m := real(file)
		function[func(*libc.TLS, uintptr)](m.FxShmBarrier)(tls, r)
	})
	m.FxShmUnmap = pointer(f, func(tls *libc.TLS, file uintptr, remove int32) int32 {
		r, m := real(file)
		return function[one](m.FxShmUnmap)(tls, r, remove)
	})
}
