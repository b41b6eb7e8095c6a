;; A transform that was written by hand, without Rust and without the SDK: what a guest from another
;; language looks like to the host. The test makes it a component, by elsewhere.wit.
;;
;; It reads the column `id` and adds `twice`, and what WASI tells it: `told_at`, the wall clock;
;; `drawn`, a random number without its top bit; `folders`, how many folders it may open. In each
;; call of `process` it writes a line to stdout.
;;
;; The canonical ABI lays out what crosses: a text or list is an address and a length; a record is
;; its fields, each at a multiple of its alignment; a `result`, `option` or variant is a byte that
;; tells the case, then what it holds. Answers of more than one number are the address of such a layout.
(module
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))

  (memory (export "memory") 1)

  ;; Where the next allocation goes: behind everything that stands below.
  (global $heap (mut i32) (i32.const 1024))

  ;; ---- What is the same in every answer -------------------------------------------------------

  ;; 16: all zero, 48 bytes. As `result<_, failure>` it is `ok`; as `result<fired, failure>` it is
  ;; `ok` of no rows, no more, and no next tick.

  ;; 64: the answer of `save`, `result<state-chunk, failure>`: `ok` of no entries. Lists of offsets
  ;; have one element, 0, which is at 16.
  (data (i32.const 64)
    (i32 0)             ;; ok
    (i32 0 0)           ;; states
    (i32 0 0)           ;; groups
    (i32 16 1) (i32 0 0) ;; keys: offsets, bytes
    (i32 16 1) (i32 0 0) ;; sub-keys: offsets, bytes
    (i32 0 0)           ;; actions
    (i32 16 1) (i32 0 0) ;; values: offsets, bytes
    (i32 0))            ;; more

  ;; 144: the answer of `process`, `result<outcome, failure>`, all zero but for one list: `ok` of
  ;; `mapped`, which keeps all rows (no bitmap at 152), with four columns (164), without before
  ;; images (172) and rejections (196).
  (data (i32.const 164) (i32 384 4))

  ;; 208: the answer of `describe`, `result<description, list<problem>>`.
  (data (i32.const 208)
    (i32 0)             ;; ok
    (i32 640 9)         ;; name
    (i32 656 5)         ;; version
    (i32 672 28)        ;; about
    (i32 0)             ;; mode: map
    (i32 288 1)         ;; inputs
    (i32 0 0)           ;; tables
    (i32 312 1)         ;; outputs
    (i32 0 0)           ;; key
    (i8 0 0 0 0)        ;; keyed: no; order: arrival
    (i32 0 0)           ;; states
    (i8 0 0 0 0))       ;; watermarks: no; ticks: no

  ;; 288: its one input.
  (data (i32.const 288)
    (i32 300 1)         ;; columns
    (i8 19 0 0 0))      ;; takes: insert, update, read; extras: none

  ;; 300: the one column that it reads. A type is its case and, of a decimal only, two bytes more.
  (data (i32.const 300)
    (i32 704 2)         ;; column
    (i8 3 0 0 0))       ;; int64; not nullable

  ;; 312: its one port.
  (data (i32.const 312)
    (i32 712 3)         ;; name
    (i32 336 4)         ;; fields
    (i32 0 0))          ;; key

  ;; 336: the columns that it adds: name; type, not nullable.
  (data (i32.const 336)
    (i32 720 5) (i8 3 0 0 0)   ;; twice: int64
    (i32 728 7) (i8 11 0 0 0)  ;; told_at: timestamp
    (i32 736 5) (i8 3 0 0 0)   ;; drawn: int64
    (i32 744 7) (i8 3 0 0 0))  ;; folders: int64

  ;; 384: the same columns in an answer, 44 bytes each: `values` is `int64s` (case 3), a list whose
  ;; address and length `process` fills in; no bitmaps follow.
  (data (i32.const 384) (i32 3))
  (data (i32.const 428) (i32 3))
  (data (i32.const 472) (i32 3))
  (data (i32.const 516) (i32 3))

  ;; 560 to 600: what WASI answers: a datetime, a list, a result.

  (data (i32.const 640) "elsewhere")
  (data (i32.const 656) "1.0.0")
  (data (i32.const 672) "Was written without the SDK.")
  (data (i32.const 704) "id")
  (data (i32.const 712) "out")
  (data (i32.const 720) "twice")
  (data (i32.const 728) "told_at")
  (data (i32.const 736) "drawn")
  (data (i32.const 744) "folders")
  (data (i32.const 752) "a line from elsewhere\n")

  ;; ---- Memory ---------------------------------------------------------------------------------

  ;; Makes room for what comes in, and for answers. Nothing is freed but by `process`'s end.
  (func $allocate (export "cabi_realloc")
    (param $old i32) (param $had i32) (param $align i32) (param $wanted i32) (result i32)
    (local $at i32)
    (local $missing i32)
    ;; The next multiple of the alignment, which is a power of two.
    (local.set $at
      (i32.and
        (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $wanted)))
    (local.set $missing
      (i32.sub (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if
          (i32.eq
            (memory.grow
              (i32.add (i32.shr_u (local.get $missing) (i32.const 16)) (i32.const 1)))
            (i32.const -1))
          (then (unreachable)))))
    ;; What grows keeps what it had.
    (memory.copy (local.get $at) (local.get $old) (local.get $had))
    (local.get $at))

  ;; ---- The contract ---------------------------------------------------------------------------

  (func (export "millrace:transform/transform@1.0.0#describe")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 208))

  (func (export "millrace:transform/transform@1.0.0#open")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 16))

  (func (export "millrace:transform/transform@1.0.0#add-schema")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 16))

  ;; A batch is too much for parameters: it comes as its address. Of its fields the rows are at 8
  ;; and the columns at 12; of the first of these the list's address is at 4.
  (func (export "millrace:transform/transform@1.0.0#process") (param $batch i32) (result i32)
    (local $rows i32)
    (local $id i32)
    (local $twice i32)
    (local $bytes i32)
    (local $done i32)
    (local.set $rows (i32.load offset=8 (local.get $batch)))
    (local.set $id (i32.load offset=4 (i32.load offset=12 (local.get $batch))))
    (local.set $bytes (i32.mul (local.get $rows) (i32.const 8)))
    (call $say)
    (local.set $twice (call $column (i32.const 384) (local.get $rows)))
    (call $fill (i32.const 428) (local.get $rows) (call $micros))
    (call $fill (i32.const 472) (local.get $rows) (i64.shr_u (call $random) (i64.const 1)))
    (call $fill (i32.const 516) (local.get $rows) (call $folders))
    (block $all
      (loop $next
        (br_if $all (i32.ge_u (local.get $done) (local.get $bytes)))
        (i64.store
          (i32.add (local.get $twice) (local.get $done))
          (i64.mul
            (i64.load (i32.add (local.get $id) (local.get $done)))
            (i64.const 2)))
        (local.set $done (i32.add (local.get $done) (i32.const 8)))
        (br $next)))
    (i32.const 144))

  ;; The host has read the answer of `process`: all that was allocated is free.
  (func (export "cabi_post_millrace:transform/transform@1.0.0#process") (param i32)
    (global.set $heap (i32.const 1024)))

  (func (export "millrace:transform/transform@1.0.0#advance-watermark") (param i64) (result i32)
    (i32.const 16))

  (func (export "millrace:transform/transform@1.0.0#tick") (param i64) (result i32)
    (i32.const 16))

  (func (export "millrace:transform/transform@1.0.0#save") (param i32) (result i32)
    (i32.const 64))

  (func (export "millrace:transform/transform@1.0.0#restore") (param i32) (result i32)
    (i32.const 16))

  ;; ---- What `process` is made of --------------------------------------------------------------

  ;; Room for a number a row, which the column of the answer at $column then holds.
  (func $column (param $column i32) (param $rows i32) (result i32)
    (local $at i32)
    (local.set $at
      (call $allocate
        (i32.const 0) (i32.const 0) (i32.const 8)
        (i32.mul (local.get $rows) (i32.const 8))))
    (i32.store offset=4 (local.get $column) (local.get $at))
    (i32.store offset=8 (local.get $column) (local.get $rows))
    (local.get $at))

  ;; Fills a column of the answer with one number.
  (func $fill (param $column i32) (param $rows i32) (param $number i64)
    (local $at i32)
    (local $end i32)
    (local.set $at (call $column (local.get $column) (local.get $rows)))
    (local.set $end
      (i32.add (local.get $at) (i32.mul (local.get $rows) (i32.const 8))))
    (block $all
      (loop $next
        (br_if $all (i32.ge_u (local.get $at) (local.get $end)))
        (i64.store (local.get $at) (local.get $number))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $next))))

  ;; The wall clock in microseconds, of a datetime: seconds, and nanoseconds behind them.
  (func $micros (result i64)
    (call $now (i32.const 560))
    (i64.add
      (i64.mul (i64.load (i32.const 560)) (i64.const 1000000))
      (i64.extend_i32_u
        (i32.div_u (i32.load (i32.const 568)) (i32.const 1000)))))

  ;; How many folders there are to open.
  (func $folders (result i64)
    (call $directories (i32.const 576))
    (i64.extend_i32_u (i32.load (i32.const 580))))

  ;; Writes the line. A stdout that refuses it ends the guest.
  (func $say
    (local $stream i32)
    (local.set $stream (call $stdout))
    (call $write (local.get $stream) (i32.const 752) (i32.const 22) (i32.const 584))
    (if (i32.load8_u (i32.const 584)) (then (unreachable)))
    (call $drop-stream (local.get $stream))))
