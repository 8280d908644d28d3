;; Expands blocks of Snappy and LZ4. Compiled into expand-module.ts by scripts/compile-wasm.ts.
;;
;; The memory holds the input, a gap, the output, and a gap: see Expander in expander.ts. Both gaps are of 64 bytes, and
;; are why the loops need no end of their own: a load of 16 bytes may reach into the first gap, a store into the second.
;; What is loaded there is thrown away or found out, as the position is then behind the end of the input; what is stored
;; there, or further up in the output, is not looked at before it is written over.
;;
;; Both functions say no more than that a block is wrong. The JavaScript then reads it again, and says what is wrong.
(module
  (memory (export "memory") 1)

  ;; Copies from `offset` before `q`, up to `to`, and up to 31 bytes beyond. Source and target may overlap: then what was
  ;; just written is what is read.
  (func $copy (param $q i32) (param $offset i32) (param $to i32)
    ;; What repeats within 16 bytes: a store makes one period more, so that two are one period from then on.
    (loop $widen
      (if (i32.lt_u (local.get $offset) (i32.const 16))
        (then
          (v128.store (local.get $q) (v128.load (i32.sub (local.get $q) (local.get $offset))))
          (local.set $q (i32.add (local.get $q) (local.get $offset)))
          (local.set $offset (i32.shl (local.get $offset) (i32.const 1)))
          (br $widen))))
    (loop $on
      (if (i32.lt_u (local.get $q) (local.get $to))
        (then
          (v128.store (local.get $q) (v128.load (i32.sub (local.get $q) (local.get $offset))))
          (local.set $q (i32.add (local.get $q) (i32.const 16)))
          (br $on)))))

  ;; Copies literals from `p` to `q`. Short ones by stores, as a call of memory.copy takes as long as some of these.
  (func $literals (param $p i32) (param $q i32) (param $length i32)
    (if (i32.lt_u (local.get $length) (i32.const 256))
      (then
        ;; The input stands before the output, at least a gap away.
        (call $copy
          (local.get $q)
          (i32.sub (local.get $q) (local.get $p))
          (i32.add (local.get $q) (local.get $length))))
      (else (memory.copy (local.get $q) (local.get $p) (local.get $length)))))

  ;; Expands a block of Snappy, the size passed over, from `p` to `end`, into exactly `from` to `to`. 1 if that could be.
  (func (export "snappy") (param $p i32) (param $end i32) (param $from i32) (param $to i32) (result i32)
    (local $q i32)
    (local $tag i32)
    (local $length i32)
    (local $offset i32)
    (local.set $q (local.get $from))
    (block $wrong
      (loop $next
        ;; Here `q` is never beyond `to`, but `p` is beyond `end` when the last element was cut.
        (if (i32.ge_u (local.get $p) (local.get $end))
          (then
            (return
              (i32.and
                (i32.eq (local.get $p) (local.get $end))
                (i32.eq (local.get $q) (local.get $to))))))
        (local.set $tag (i32.load8_u (local.get $p)))
        (local.set $length (i32.shr_u (local.get $tag) (i32.const 2)))
        (block $copied
          (block $far
            (block $near
              (block $nearest
                (block $literal
                  (br_table $literal $nearest $near $far (i32.and (local.get $tag) (i32.const 3))))
                ;; Literals: the length less 1 in the tag up to 59, else in the 1 to 4 bytes behind.
                (local.set $p (i32.add (local.get $p) (i32.const 1)))
                (if (i32.lt_u (local.get $length) (i32.const 16))
                  (then
                    (v128.store (local.get $q) (v128.load (local.get $p)))
                    (local.set $length (i32.add (local.get $length) (i32.const 1)))
                    (local.set $p (i32.add (local.get $p) (local.get $length)))
                    (local.set $q (i32.add (local.get $q) (local.get $length)))
                    (br_if $next (i32.le_u (local.get $q) (local.get $to)))
                    (br $wrong)))
                (if (i32.ge_u (local.get $length) (i32.const 60))
                  (then
                    (local.set $tag (i32.sub (local.get $length) (i32.const 59)))
                    (local.set $length
                      (i32.and
                        (i32.load (local.get $p))
                        (i32.shr_u
                          (i32.const -1)
                          (i32.shl (i32.sub (i32.const 4) (local.get $tag)) (i32.const 3)))))
                    (local.set $p (i32.add (local.get $p) (local.get $tag)))
                    (br_if $wrong (i32.gt_u (local.get $p) (local.get $end)))))
                (br_if $wrong (i32.ge_u (local.get $length) (i32.sub (local.get $end) (local.get $p))))
                (br_if $wrong (i32.ge_u (local.get $length) (i32.sub (local.get $to) (local.get $q))))
                (local.set $length (i32.add (local.get $length) (i32.const 1)))
                (call $literals (local.get $p) (local.get $q) (local.get $length))
                (local.set $p (i32.add (local.get $p) (local.get $length)))
                (local.set $q (i32.add (local.get $q) (local.get $length)))
                (br $next))
              ;; A copy of 4 to 11 bytes from up to 2047 before.
              (local.set $offset
                (i32.or
                  (i32.shl (i32.and (local.get $tag) (i32.const 0xe0)) (i32.const 3))
                  (i32.load8_u offset=1 (local.get $p))))
              (local.set $length (i32.add (i32.and (local.get $length) (i32.const 7)) (i32.const 4)))
              (local.set $p (i32.add (local.get $p) (i32.const 2)))
              (br $copied))
            ;; A copy of 1 to 64 bytes from up to 65535 before.
            (local.set $offset (i32.load16_u offset=1 (local.get $p)))
            (local.set $length (i32.add (local.get $length) (i32.const 1)))
            (local.set $p (i32.add (local.get $p) (i32.const 3)))
            (br $copied))
          ;; The same from anywhere before.
          (local.set $offset (i32.load offset=1 (local.get $p)))
          (local.set $length (i32.add (local.get $length) (i32.const 1)))
          (local.set $p (i32.add (local.get $p) (i32.const 5))))
        ;; An offset of 0 less 1 is beyond all.
        (br_if $wrong
          (i32.ge_u
            (i32.sub (local.get $offset) (i32.const 1))
            (i32.sub (local.get $q) (local.get $from))))
        (br_if $wrong (i32.gt_u (local.get $length) (i32.sub (local.get $to) (local.get $q))))
        (if (i32.ge_u (local.get $offset) (i32.const 16))
          (then
            (local.set $offset (i32.sub (local.get $q) (local.get $offset)))
            (v128.store (local.get $q) (v128.load (local.get $offset)))
            (if (i32.gt_u (local.get $length) (i32.const 16))
              (then
                (v128.store offset=16 (local.get $q) (v128.load offset=16 (local.get $offset)))
                (if (i32.gt_u (local.get $length) (i32.const 32))
                  (then
                    (v128.store offset=32 (local.get $q) (v128.load offset=32 (local.get $offset)))
                    (v128.store offset=48 (local.get $q) (v128.load offset=48 (local.get $offset))))))))
          (else
            (call $copy
              (local.get $q)
              (local.get $offset)
              (i32.add (local.get $q) (local.get $length)))))
        (local.set $q (i32.add (local.get $q) (local.get $length)))
        (br $next)))
    (i32.const 0))

  ;; Expands a block of LZ4 (4 MiB at most: lengths cannot overflow) from `p` to `end`, into `q` and on up to `limit`.
  ;; Copies begin at `window` or later. The end of the output, or -1.
  (func (export "lz4") (param $p i32) (param $end i32) (param $q i32) (param $limit i32) (param $window i32) (result i32)
    (local $token i32)
    (local $length i32)
    (local $offset i32)
    (local $byte i32)
    (block $wrong
      (loop $next
        ;; At the end this is a byte of the gap: found out by the position behind the literals.
        (local.set $token (i32.load8_u (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $length (i32.shr_u (local.get $token) (i32.const 4)))
        (if (i32.eq (local.get $length) (i32.const 15))
          (then
            (loop $longer
              (br_if $wrong (i32.ge_u (local.get $p) (local.get $end)))
              (local.set $byte (i32.load8_u (local.get $p)))
              (local.set $p (i32.add (local.get $p) (i32.const 1)))
              (local.set $length (i32.add (local.get $length) (local.get $byte)))
              (br_if $longer (i32.eq (local.get $byte) (i32.const 255))))
            (br_if $wrong (i32.gt_u (local.get $length) (i32.sub (local.get $end) (local.get $p))))
            (br_if $wrong (i32.gt_u (local.get $length) (i32.sub (local.get $limit) (local.get $q))))
            (call $literals (local.get $p) (local.get $q) (local.get $length)))
          (else (v128.store (local.get $q) (v128.load (local.get $p)))))
        (local.set $p (i32.add (local.get $p) (local.get $length)))
        ;; Up to 14 bytes beyond the limit for now.
        (local.set $q (i32.add (local.get $q) (local.get $length)))
        (if (i32.gt_u (i32.add (local.get $p) (i32.const 2)) (local.get $end))
          (then
            ;; The last sequence has literals alone.
            (br_if $wrong (i32.ne (local.get $p) (local.get $end)))
            (br_if $wrong (i32.gt_u (local.get $q) (local.get $limit)))
            (return (local.get $q))))
        (local.set $offset (i32.load16_u (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 2)))
        ;; An offset of 0 less 1 is beyond all.
        (br_if $wrong
          (i32.ge_u
            (i32.sub (local.get $offset) (i32.const 1))
            (i32.sub (local.get $q) (local.get $window))))
        (local.set $length (i32.and (local.get $token) (i32.const 15)))
        (if (i32.eq (local.get $length) (i32.const 15))
          (then
            (loop $longer
              (br_if $wrong (i32.ge_u (local.get $p) (local.get $end)))
              (local.set $byte (i32.load8_u (local.get $p)))
              (local.set $p (i32.add (local.get $p) (i32.const 1)))
              (local.set $length (i32.add (local.get $length) (local.get $byte)))
              (br_if $longer (i32.eq (local.get $byte) (i32.const 255))))))
        (local.set $length (i32.add (local.get $length) (i32.const 4)))
        ;; Signed, as the limit may have been passed.
        (br_if $wrong (i32.gt_s (local.get $length) (i32.sub (local.get $limit) (local.get $q))))
        (if (i32.ge_u (local.get $offset) (i32.const 16))
          (then
            (v128.store (local.get $q) (v128.load (i32.sub (local.get $q) (local.get $offset))))
            (if (i32.gt_u (local.get $length) (i32.const 16))
              (then
                (call $copy
                  (i32.add (local.get $q) (i32.const 16))
                  (local.get $offset)
                  (i32.add (local.get $q) (local.get $length))))))
          (else
            (call $copy
              (local.get $q)
              (local.get $offset)
              (i32.add (local.get $q) (local.get $length)))))
        (local.set $q (i32.add (local.get $q) (local.get $length)))
        (br $next)))
    (i32.const -1)))
