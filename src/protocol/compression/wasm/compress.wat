;; Compresses blocks of up to 64 KiB into Snappy and LZ4. Compiled into compress-module.ts by scripts/compile-wasm.ts.
;;
;; The same steps as those in snappy-compressor.ts and lz4-block.ts, so that both write the same bytes; what they are for
;; is told there. The memory holds the table of positions by hash (up to 16384 of 16 bits, at 0), the input, a gap of 64 bytes,
;; the output, and room for the worst case and 64 bytes more: see BlockCompressor in block-compressor.ts. So loads of 8 or
;; 16 bytes may reach behind the input, and stores behind what is written yet.
(module
  (memory (export "memory") 3)

  ;; Copies literals to `q`, and up to 15 bytes more. Short ones by stores: a call of memory.copy takes as long as some.
  (func $literals (param $p i32) (param $q i32) (param $length i32)
    (local $end i32)
    (if (i32.ge_u (local.get $length) (i32.const 256))
      (then
        (memory.copy (local.get $q) (local.get $p) (local.get $length))
        (return)))
    (local.set $end (i32.add (local.get $q) (local.get $length)))
    (loop $on
      (if (i32.lt_u (local.get $q) (local.get $end))
        (then
          (v128.store (local.get $q) (v128.load (local.get $p)))
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (local.set $q (i32.add (local.get $q) (i32.const 16)))
          (br $on)))))

  ;; How far the bytes from `p` on are those from `candidate` on: the position of the first that is not, or `end`.
  (func $matchEnd (param $p i32) (param $candidate i32) (param $end i32) (result i32)
    (local $difference i64)
    (loop $on
      (if (i32.lt_u (local.get $p) (local.get $end))
        (then
          (local.set $difference
            (i64.xor (i64.load (local.get $p)) (i64.load (local.get $candidate))))
          (if (i64.eqz (local.get $difference))
            (then
              (local.set $p (i32.add (local.get $p) (i32.const 8)))
              (local.set $candidate (i32.add (local.get $candidate) (i32.const 8)))
              (br $on)))
          (local.set $p
            (i32.add
              (local.get $p)
              (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $difference)) (i64.const 3))))))))
    (select (local.get $p) (local.get $end) (i32.lt_u (local.get $p) (local.get $end))))

  ;; Writes an element of literals. Returns the position behind it.
  (func $snappyLiteral (param $p i32) (param $end i32) (param $q i32) (result i32)
    (local $length i32)
    (local.set $length (i32.sub (local.get $end) (local.get $p)))
    (if (i32.eqz (local.get $length)) (then (return (local.get $q))))
    (if (i32.le_u (local.get $length) (i32.const 60))
      (then
        (i32.store8
          (local.get $q)
          (i32.shl (i32.sub (local.get $length) (i32.const 1)) (i32.const 2)))
        (local.set $q (i32.add (local.get $q) (i32.const 1))))
      (else
        (if (i32.le_u (local.get $length) (i32.const 256))
          (then
            (i32.store8 (local.get $q) (i32.const 240))
            (i32.store8 offset=1 (local.get $q) (i32.sub (local.get $length) (i32.const 1)))
            (local.set $q (i32.add (local.get $q) (i32.const 2))))
          (else
            (i32.store8 (local.get $q) (i32.const 244))
            (i32.store16 offset=1 (local.get $q) (i32.sub (local.get $length) (i32.const 1)))
            (local.set $q (i32.add (local.get $q) (i32.const 3)))))))
    (call $literals (local.get $p) (local.get $q) (local.get $length))
    (i32.add (local.get $q) (local.get $length)))

  ;; Compresses `start` to `end` into `q` and on, by hashes of so many bits. Returns the position behind it.
  (func (export "snappy") (param $start i32) (param $end i32) (param $q i32) (param $bits i32) (result i32)
    (local $mask i32)
    (local $length i32)
    (local $last i32)
    (local $literalStart i32)
    (local $p i32)
    (local $misses i32)
    (local $candidate i32)
    (local $word i32)
    (local $slot i32)
    (local $offset i32)
    (local.set $length (i32.sub (local.get $end) (local.get $start)))
    (loop $size
      (if (i32.gt_u (local.get $length) (i32.const 127))
        (then
          (i32.store8 (local.get $q) (i32.or (local.get $length) (i32.const 128)))
          (local.set $length (i32.shr_u (local.get $length) (i32.const 7)))
          (local.set $q (i32.add (local.get $q) (i32.const 1)))
          (br $size))))
    (i32.store8 (local.get $q) (local.get $length))
    (local.set $q (i32.add (local.get $q) (i32.const 1)))
    (local.set $literalStart (local.get $start))
    (block $done
      (br_if $done (i32.le_u (i32.sub (local.get $end) (local.get $start)) (i32.const 15)))
      (memory.fill (i32.const 0) (i32.const 0) (i32.shl (i32.const 2) (local.get $bits)))
      (local.set $mask (i32.sub (i32.shl (i32.const 2) (local.get $bits)) (i32.const 2)))
      (local.set $last (i32.sub (local.get $end) (i32.const 15)))
      (local.set $p (i32.add (local.get $start) (i32.const 1)))
      (loop $search
        (local.set $misses (i32.const 32))
        (block $found
          (loop $try
            (local.set $word (i32.load (local.get $p)))
            ;; Twice the hash, as positions are of 2 bytes.
            (local.set $slot
              (i32.and
                (i32.shr_u (i32.mul (local.get $word) (i32.const 0x1e35a7bd)) (i32.const 17))
                (local.get $mask)))
            (local.set $candidate (i32.add (local.get $start) (i32.load16_u (local.get $slot))))
            (i32.store16 (local.get $slot) (i32.sub (local.get $p) (local.get $start)))
            (if (i32.eq (i32.load (local.get $candidate)) (local.get $word))
              (then (br_if $found (i32.lt_u (local.get $candidate) (local.get $p)))))
            (local.set $p
              (i32.add (local.get $p) (i32.shr_u (local.get $misses) (i32.const 5))))
            (local.set $misses (i32.add (local.get $misses) (i32.const 1)))
            (br_if $try (i32.le_u (local.get $p) (local.get $last))))
          (br $done))
        (local.set $length (i32.sub (local.get $p) (local.get $literalStart)))
        (if (i32.le_u (local.get $length) (i32.const 16))
          (then
            ;; The tag of an empty element is written over by that of the copy.
            (i32.store8
              (local.get $q)
              (i32.shl (i32.sub (local.get $length) (i32.const 1)) (i32.const 2)))
            (v128.store offset=1 (local.get $q) (v128.load (local.get $literalStart)))
            (local.set $q
              (i32.add
                (local.get $q)
                (select
                  (i32.add (local.get $length) (i32.const 1))
                  (i32.const 0)
                  (local.get $length)))))
          (else
            (local.set $q
              (call $snappyLiteral (local.get $literalStart) (local.get $p) (local.get $q)))))
        (loop $again
          (local.set $offset (i32.sub (local.get $p) (local.get $candidate)))
          (local.set $literalStart
            (call $matchEnd
              (i32.add (local.get $p) (i32.const 4))
              (i32.add (local.get $candidate) (i32.const 4))
              (local.get $end)))
          (local.set $length (i32.sub (local.get $literalStart) (local.get $p)))
          (local.set $p (local.get $literalStart))
          (loop $longest
            (if (i32.ge_u (local.get $length) (i32.const 68))
              (then
                (i32.store8 (local.get $q) (i32.const 254))
                (i32.store16 offset=1 (local.get $q) (local.get $offset))
                (local.set $q (i32.add (local.get $q) (i32.const 3)))
                (local.set $length (i32.sub (local.get $length) (i32.const 64)))
                (br $longest))))
          (if (i32.gt_u (local.get $length) (i32.const 64))
            (then
              (i32.store8 (local.get $q) (i32.const 238))
              (i32.store16 offset=1 (local.get $q) (local.get $offset))
              (local.set $q (i32.add (local.get $q) (i32.const 3)))
              (local.set $length (i32.sub (local.get $length) (i32.const 60)))))
          (if
            (i32.and
              (i32.lt_u (local.get $length) (i32.const 12))
              (i32.lt_u (local.get $offset) (i32.const 2048)))
            (then
              (i32.store8
                (local.get $q)
                (i32.or
                  (i32.shl (i32.shr_u (local.get $offset) (i32.const 8)) (i32.const 5))
                  (i32.or
                    (i32.shl (i32.sub (local.get $length) (i32.const 4)) (i32.const 2))
                    (i32.const 1))))
              (i32.store8 offset=1 (local.get $q) (local.get $offset))
              (local.set $q (i32.add (local.get $q) (i32.const 2))))
            (else
              (i32.store8
                (local.get $q)
                (i32.or
                  (i32.shl (i32.sub (local.get $length) (i32.const 1)) (i32.const 2))
                  (i32.const 2)))
              (i32.store16 offset=1 (local.get $q) (local.get $offset))
              (local.set $q (i32.add (local.get $q) (i32.const 3)))))
          (br_if $done (i32.gt_u (local.get $p) (local.get $last)))
          (i32.store16
            (i32.and
              (i32.shr_u
                (i32.mul
                  (i32.load (i32.sub (local.get $p) (i32.const 1)))
                  (i32.const 0x1e35a7bd))
                (i32.const 17))
              (local.get $mask))
            (i32.sub (i32.sub (local.get $p) (i32.const 1)) (local.get $start)))
          (local.set $word (i32.load (local.get $p)))
          (local.set $slot
            (i32.and
              (i32.shr_u (i32.mul (local.get $word) (i32.const 0x1e35a7bd)) (i32.const 17))
              (local.get $mask)))
          (local.set $candidate (i32.add (local.get $start) (i32.load16_u (local.get $slot))))
          (i32.store16 (local.get $slot) (i32.sub (local.get $p) (local.get $start)))
          (br_if $again
            (i32.and
              (i32.eq (i32.load (local.get $candidate)) (local.get $word))
              (i32.lt_u (local.get $candidate) (local.get $p)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br_if $search (i32.le_u (local.get $p) (local.get $last)))))
    (call $snappyLiteral (local.get $literalStart) (local.get $end) (local.get $q)))

  ;; Writes what a length has beyond the 15 in a token. Returns the position behind it.
  (func $lz4Length (param $length i32) (param $q i32) (result i32)
    (loop $on
      (if (i32.ge_u (local.get $length) (i32.const 255))
        (then
          (i32.store8 (local.get $q) (i32.const 255))
          (local.set $length (i32.sub (local.get $length) (i32.const 255)))
          (local.set $q (i32.add (local.get $q) (i32.const 1)))
          (br $on))))
    (i32.store8 (local.get $q) (local.get $length))
    (i32.add (local.get $q) (i32.const 1)))

  ;; Writes a token, of which `low` is the lower half, and literals. Returns the position behind them.
  (func $lz4Literals (param $p i32) (param $end i32) (param $low i32) (param $q i32) (result i32)
    (local $length i32)
    (local.set $length (i32.sub (local.get $end) (local.get $p)))
    (if (i32.lt_u (local.get $length) (i32.const 15))
      (then
        (i32.store8
          (local.get $q)
          (i32.or (i32.shl (local.get $length) (i32.const 4)) (local.get $low)))
        (v128.store offset=1 (local.get $q) (v128.load (local.get $p)))
        (return (i32.add (i32.add (local.get $q) (i32.const 1)) (local.get $length)))))
    (i32.store8 (local.get $q) (i32.or (i32.const 240) (local.get $low)))
    (local.set $q
      (call $lz4Length
        (i32.sub (local.get $length) (i32.const 15))
        (i32.add (local.get $q) (i32.const 1))))
    (call $literals (local.get $p) (local.get $q) (local.get $length))
    (i32.add (local.get $q) (local.get $length)))

  ;; Compresses `start` to `end` into `q` and on, by hashes of so many bits. Returns the position behind it.
  (func (export "lz4") (param $start i32) (param $end i32) (param $q i32) (param $bits i32) (result i32)
    (local $mask i32)
    (local $last i32)
    (local $matchLimit i32)
    (local $literalStart i32)
    (local $p i32)
    (local $misses i32)
    (local $candidate i32)
    (local $word i32)
    (local $slot i32)
    (local $matchEnd i32)
    (local $rest i32)
    (local.set $literalStart (local.get $start))
    (block $done
      (br_if $done (i32.lt_u (i32.sub (local.get $end) (local.get $start)) (i32.const 12)))
      (memory.fill (i32.const 0) (i32.const 0) (i32.shl (i32.const 2) (local.get $bits)))
      (local.set $mask (i32.sub (i32.shl (i32.const 2) (local.get $bits)) (i32.const 2)))
      (local.set $last (i32.sub (local.get $end) (i32.const 12)))
      (local.set $matchLimit (i32.sub (local.get $end) (i32.const 5)))
      (local.set $p (i32.add (local.get $start) (i32.const 1)))
      (local.set $misses (i32.const 64))
      (loop $try
        (br_if $done (i32.gt_u (local.get $p) (local.get $last)))
        (local.set $word (i32.load (local.get $p)))
        ;; Twice the hash, as positions are of 2 bytes.
        (local.set $slot
          (i32.and
            (i32.shr_u (i32.mul (local.get $word) (i32.const 0x9e3779b1)) (i32.const 17))
            (local.get $mask)))
        (local.set $candidate (i32.add (local.get $start) (i32.load16_u (local.get $slot))))
        (i32.store16 (local.get $slot) (i32.sub (local.get $p) (local.get $start)))
        (block $found
          (if (i32.eq (i32.load (local.get $candidate)) (local.get $word))
            (then (br_if $found (i32.lt_u (local.get $candidate) (local.get $p)))))
          (local.set $p (i32.add (local.get $p) (i32.shr_u (local.get $misses) (i32.const 6))))
          (local.set $misses (i32.add (local.get $misses) (i32.const 1)))
          (br $try))
        (local.set $misses (i32.const 64))
        (local.set $matchEnd
          (call $matchEnd
            (i32.add (local.get $p) (i32.const 4))
            (i32.add (local.get $candidate) (i32.const 4))
            (local.get $matchLimit)))
        (block $begun
          (loop $earlier
            (br_if $begun (i32.le_u (local.get $p) (local.get $literalStart)))
            (br_if $begun (i32.le_u (local.get $candidate) (local.get $start)))
            (br_if $begun
              (i32.ne
                (i32.load8_u (i32.sub (local.get $p) (i32.const 1)))
                (i32.load8_u (i32.sub (local.get $candidate) (i32.const 1)))))
            (local.set $p (i32.sub (local.get $p) (i32.const 1)))
            (local.set $candidate (i32.sub (local.get $candidate) (i32.const 1)))
            (br $earlier)))
        ;; A match is 4 bytes long at least.
        (local.set $rest
          (i32.sub (i32.sub (local.get $matchEnd) (local.get $p)) (i32.const 4)))
        (local.set $q
          (call $lz4Literals
            (local.get $literalStart)
            (local.get $p)
            (select (local.get $rest) (i32.const 15) (i32.lt_u (local.get $rest) (i32.const 15)))
            (local.get $q)))
        (i32.store16 (local.get $q) (i32.sub (local.get $p) (local.get $candidate)))
        (local.set $q (i32.add (local.get $q) (i32.const 2)))
        (if (i32.ge_u (local.get $rest) (i32.const 15))
          (then
            (local.set $q
              (call $lz4Length (i32.sub (local.get $rest) (i32.const 15)) (local.get $q)))))
        (local.set $p (local.get $matchEnd))
        (local.set $literalStart (local.get $matchEnd))
        (br_if $done (i32.gt_u (local.get $p) (local.get $last)))
        (i32.store16
          (i32.and
            (i32.shr_u
              (i32.mul
                (i32.load (i32.sub (local.get $p) (i32.const 2)))
                (i32.const 0x9e3779b1))
              (i32.const 17))
            (local.get $mask))
          (i32.sub (i32.sub (local.get $p) (i32.const 2)) (local.get $start)))
        (br $try)))
    (call $lz4Literals
      (local.get $literalStart)
      (local.get $end)
      (i32.const 0)
      (local.get $q))))
