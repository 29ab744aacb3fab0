//! Products and sums of points, several values at a time.
//!
//! What is called once for many rows is compiled twice, the second time for processors with AVX2, and what is in it with it. Both add up in the same order and round
//! each product, so they find the same to the last bit.

use std::array::from_fn;
use std::hint::black_box;

use multiversion::multiversion;

/// Values that are worked on together; a point's width is a multiple of it, the rest zero.
pub(super) const LANES: usize = 8;

/// Four points that lie one after another.
#[inline(always)]
pub(super) fn of_four(points: &[f32], width: usize) -> [&[f32]; 4] {
    let (a, rest) = points.split_at(width);
    let (b, rest) = rest.split_at(width);
    let (c, rest) = rest.split_at(width);
    [a, b, c, &rest[..width]]
}

/// Adds four points, each times its factor; of each as much as there is room for.
#[inline(always)]
pub(super) fn add_four(out: &mut [f32], points: [&[f32]; 4], factors: [f32; 4]) {
    let [a, b, c, d] = points.map(|it| it.as_chunks::<LANES>().0);
    let out = out.as_chunks_mut::<LANES>().0;
    for ((((it, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *it = from_fn(|at| {
            it[at] + ((factors[0] * a[at] + factors[1] * b[at]) + (factors[2] * c[at] + factors[3] * d[at]))
        });
    }
}

/// The products of four points with another.
#[inline(always)]
pub(super) fn dots(points: [&[f32]; 4], x: &[f32]) -> [f32; 4] {
    let [a, b, c, d] = points.map(|it| it.as_chunks::<LANES>().0);
    let [mut of_a, mut of_b, mut of_c, mut of_d] = [[0.0; LANES]; 4];
    for ((((x, a), b), c), d) in x.as_chunks::<LANES>().0.iter().zip(a).zip(b).zip(c).zip(d) {
        of_a = from_fn(|at| of_a[at] + a[at] * x[at]);
        of_b = from_fn(|at| of_b[at] + b[at] * x[at]);
        of_c = from_fn(|at| of_c[at] + c[at] * x[at]);
        of_d = from_fn(|at| of_d[at] + d[at] * x[at]);
    }
    // Who sees what becomes of the sums of lanes takes one lane of four points for a vector instead of the lanes of one, and moves values about in the loop.
    black_box([of_a, of_b, of_c, of_d]).map(sum)
}

/// The product of two points.
#[inline(always)]
pub(super) fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        sums = from_fn(|at| sums[at] + a[at] * b[at]);
    }
    sum(black_box(sums))
}

/// Of the lanes.
#[inline(always)]
fn sum(of: [f32; LANES]) -> f32 {
    let four = [of[0] + of[4], of[1] + of[5], of[2] + of[6], of[3] + of[7]];
    (four[0] + four[2]) + (four[1] + four[3])
}

/// Σ y yᵀ, by rows.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn gram(points: &[f32], width: usize) -> Vec<f32> {
    let mut gram = vec![0.0; width * width];
    let mut four = vec![0.0; 4 * width];
    // A few points at a time, so that a row of the sum is read and written once for all of them.
    for points in points.chunks(4 * width) {
        four[..points.len()].copy_from_slice(points);
        four[points.len()..].fill(0.0);
        let four = of_four(&four, width);
        for (at, row) in gram.chunks_exact_mut(width).enumerate() {
            add_four(row, four, four.map(|it| it[at]));
        }
    }
    gram
}

/// Σ a y yᵀ of some of the points, by rows, of which only what is up to the diagonal counts, and Σ b y, of each point its place with a and b.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn weighted(points: &[f32], width: usize, some: &[(u32, f32, f32)]) -> (Vec<f32>, Vec<f32>) {
    let (mut squares, mut sum) = (vec![0.0; width * width], vec![0.0; width]);
    let nothing = vec![0.0; width];
    for some in some.chunks(4) {
        let (mut four, mut of_squares, mut of_sum) = ([&nothing[..]; 4], [0.0; 4], [0.0; 4]);
        for (at, (item, a, b)) in some.iter().enumerate() {
            four[at] = &points[*item as usize * width..][..width];
            (of_squares[at], of_sum[at]) = (*a, *b);
        }
        for (at, row) in squares.chunks_exact_mut(width).enumerate() {
            let end = (at + 1).next_multiple_of(LANES);
            add_four(&mut row[..end], four, from_fn(|it| of_squares[it] * four[it][at]));
        }
        add_four(&mut sum, four, of_sum);
    }
    (squares, sum)
}

/// The product of each of some places with each point, by places.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn products(places: &[f32], points: &[f32], width: usize) -> Vec<f32> {
    let count = points.len() / width;
    let mut products = vec![0.0; places.len() / width * count];
    let fours = places.chunks_exact(4 * width);
    let rest = fours.remainder();
    let of_fours = places.len() / width / 4 * 4 * count;
    let (in_fours, alone) = products.split_at_mut(of_fours);
    for (at, point) in points.chunks_exact(width).enumerate() {
        for (four, to) in fours.clone().zip(in_fours.chunks_exact_mut(4 * count)) {
            for (to, product) in to.chunks_exact_mut(count).zip(dots(of_four(four, width), point)) {
                to[at] = product;
            }
        }
        for (place, to) in rest.chunks_exact(width).zip(alone.chunks_exact_mut(count)) {
            to[at] = product(place, point);
        }
    }
    products
}
