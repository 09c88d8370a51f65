// Matrix products, with as many dimensions in front as one likes. The gradients are products again: with dy for a
// transposed or not, each of the four combinations of flags has its own order of the factors. What was broadcast is
// summed afterwards.

#include <ocellus/ops/matmul.h>

#include <array>

#include <fmt/format.h>

#include <ocellus/base/threads.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>

#include "ops/support/broadcast.h"
#include "ops/support/checks.h"

namespace ocellus {

using namespace detail;

namespace {

/// One factor: its matrix as rows x columns of the product's view, and the dimensions in front.
struct Side {
  int64_t rows, columns;
  Shape batch;
};

Side side_of(const TensorType& t, bool transposed, std::string_view what) {
  expect_floating(t, what);
  const size_t rank = t.shape.rank();
  if (rank < 2) throw ShapeError(fmt::format("{} must be a matrix or a stack of them, got {}", what, to_string(t)));
  const int64_t rows = t.shape[rank - 2], columns = t.shape[rank - 1];
  const Shape batch(t.shape.dims().first(rank - 2));
  return transposed ? Side{columns, rows, batch} : Side{rows, columns, batch};
}

/// "[4,2,3] transposed"
std::string shown(const TensorType& t, bool transposed) {
  return t.shape.to_string() + (transposed ? " transposed" : "");
}

/// The reference's walk: a product [rows, columns] at each place of the batch.
class Product {
 public:
  Product(const MatMul& op, const EvalCtx& ctx)
      : a_(side_of({DType::f32, ctx.in(0).shape()}, op.transpose_a, "a")),
        b_(side_of({DType::f32, ctx.in(1).shape()}, op.transpose_b, "b")),
        a_row_(op.transpose_a ? 1 : a_.columns),
        a_step_(op.transpose_a ? a_.rows : 1),
        b_row_(op.transpose_b ? 1 : b_.columns),
        b_step_(op.transpose_b ? b_.rows : 1) {
    const Shape& out = ctx.out().shape();
    const Shape batch(out.dims().first(out.rank() - 2));
    const Strides a = broadcast_strides(a_.batch, batch), b = broadcast_strides(b_.batch, batch);
    const Shape own = batch.strides();
    for (size_t i = 0; i < batch.rank(); ++i) loops_.add(batch[i], {own[i], a[i], b[i]});
  }

  template <class T>
  void run(T* y, const T* a, const T* b) const {
    const int64_t a_size = a_.rows * a_.columns, b_size = b_.rows * b_.columns, y_size = a_.rows * b_.columns;
    loops_.run([&](const auto& at, int64_t count, const auto& strides) {
      for (int64_t i = 0; i < count; ++i)
        one(y + (at[0] + i * strides[0]) * y_size, a + (at[1] + i * strides[1]) * a_size,
            b + (at[2] + i * strides[2]) * b_size);
    });
  }

 private:
  template <class T>
  void one(T* y, const T* a, const T* b) const {
    parallel_for(a_.rows * b_.columns, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* row = a + i / b_.columns * a_row_;
        const T* column = b + i % b_.columns * b_step_;
        double sum = 0;
        for (int64_t k = 0; k < a_.columns; ++k) sum += double(row[k * a_step_]) * double(column[k * b_row_]);
        y[i] = static_cast<T>(sum);
      }
    });
  }

  Side a_, b_;
  int64_t a_row_, a_step_, b_row_, b_step_;
  Loops<3> loops_;  ///< over the batch, in matrices: y, a, b
};

}  // namespace

void MatMul::attrs(AttrVisitor& v) const {
  v("transpose_a", transpose_a);
  v("transpose_b", transpose_b);
}

Types MatMul::infer(std::span<const TensorType> inputs) const {
  expect_count(inputs, 2);
  const Side a = side_of(inputs[0], transpose_a, "a"), b = side_of(inputs[1], transpose_b, "b");
  detail::expect_floating(inputs);
  if (!agree(a.columns, b.rows))
    throw ShapeError(fmt::format("a {} has {} columns, b {} has {} rows", shown(inputs[0], transpose_a),
                                 dim_text(a.columns), shown(inputs[1], transpose_b), dim_text(b.rows)));
  std::vector<int64_t> dims = dims_of(broadcast(a.batch, b.batch));
  dims.push_back(a.rows);
  dims.push_back(b.columns);
  for (size_t i = 1; i < dims.size(); ++i)
    if (dims[i] == any_dim)
      throw ShapeError(
          fmt::format("the product of {} and {} would have the batch, whose size is not known, in "
                      "dimension {}",
                      shown(inputs[0], transpose_a), shown(inputs[1], transpose_b), i));
  return {{inputs[0].dtype, shape_of(dims)}};
}

Values MatMul::gradient(GradCtx& ctx) const {
  const Value &a = ctx.in(0), &b = ctx.in(1), &dy = ctx.dout();
  Value da, db;
  if (ctx.needs(0)) {
    da = transpose_a ? ops::matmul(b, dy, {.transpose_a = transpose_b, .transpose_b = true})
                     : ops::matmul(dy, b, {.transpose_b = !transpose_b});
    da = ops::sum_to(da, a.shape());
  }
  if (ctx.needs(1)) {
    db = transpose_b ? ops::matmul(dy, a, {.transpose_a = true, .transpose_b = transpose_a})
                     : ops::matmul(a, dy, {.transpose_a = !transpose_a});
    db = ops::sum_to(db, b.shape());
  }
  return {da, db};
}

void MatMul::eval(EvalCtx& ctx) const {
  const Product product(*this, ctx);
  with_real(ctx.out(), [&]<class T>(T) {
    product.run(ctx.out().as<T>().data(), ctx.in(0).as<T>().data(), ctx.in(1).as<T>().data());
  });
}

int64_t MatMul::macs(std::span<const TensorType> inputs, std::span<const TensorType> outputs) const {
  return outputs[0].shape.numel() * side_of(inputs[0], transpose_a, "a").columns;
}

Value ops::matmul(const Value& a, const Value& b, const MatMulConfig& config) {
  MatMul op;
  op.transpose_a = config.transpose_a;
  op.transpose_b = config.transpose_b;
  return apply(std::move(op), {a, b});
}

Value ops::gram(const Value& features, GramDivisor divisor) {
  const Shape& shape = features.shape();
  if (shape.rank() < 3) throw ShapeError("gram", "", "features must be [N,C,...], got " + to_string(features.type()));
  int64_t positions = 1;
  for (size_t i = 2; i < shape.rank(); ++i) positions *= shape[i];
  const Value rows = reshape(features, {0, shape[1], positions});
  const Value products = matmul(rows, rows, {.transpose_b = true});
  if (divisor == GramDivisor::none) return products;
  const int64_t by = divisor == GramDivisor::positions ? positions : positions * shape[1];
  return affine(products, 1.0 / static_cast<double>(by));
}

std::span<const OpEntry> ops_in_matmul() {
  static const std::array entries = {op_entry<MatMul>()};
  return entries;
}

}  // namespace ocellus
