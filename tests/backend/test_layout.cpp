#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include <ocellus/base/error.h>

#include "backend/node_runner.h"
#include "backend/onednn/layout.h"

namespace ocellus::onednn {
namespace {

using tag = dnnl::memory::format_tag;
constexpr auto f32 = dnnl::memory::data_type::f32;

const RuntimePtr& runtime() {
  static const RuntimePtr shared = std::make_shared<Runtime>();
  return shared;
}

DescLayout layout(const Dims& dims, tag t) { return {runtime(), Desc(dims, f32, t)}; }

TEST(Layout, TagsNameOrderAndBlocks) {
  EXPECT_EQ(layout({2, 32, 5, 5}, tag::nChw16c).to_string(), "aBcd16b");
  EXPECT_EQ(layout({2, 32, 5, 5}, tag::nhwc).to_string(), "acdb");
  EXPECT_EQ(layout({32, 16, 3, 3}, tag::OIhw16i16o).to_string(), "ABcd16b16a");
  EXPECT_EQ(layout({2, 16, 8, 3, 3}, tag::gOIhw8i8o).to_string(), "aBCde8c8b");
}

TEST(Layout, RowMajorOrderIsNullHoweverItIsWritten) {
  const auto is_plain = [](const Dims& dims, tag t) { return layout_of(runtime(), Desc(dims, f32, t)) == nullptr; };
  EXPECT_TRUE(is_plain({2, 3, 4, 5}, tag::nchw));
  EXPECT_TRUE(is_plain({2, 32, 1, 1}, tag::nChw16c));
  EXPECT_TRUE(is_plain({2, 16, 1, 1}, tag::nhwc));
  EXPECT_TRUE(is_plain({2, 1, 4, 5}, tag::nhwc));
  EXPECT_TRUE(is_plain({1, 32}, tag::ba));
  EXPECT_FALSE(is_plain({2, 19, 1, 1}, tag::nChw16c)) << "19 channels are padded to 32";
  EXPECT_FALSE(is_plain({2, 32, 2, 1}, tag::nChw16c));
  EXPECT_FALSE(is_plain({2, 3, 4, 5}, tag::nhwc));
  EXPECT_FALSE(is_plain({2, 3}, tag::ba));
}

TEST(Layout, EqualOrdersAreEqual) {
  EXPECT_TRUE(layout({1, 19, 4, 5}, tag::nhwc).equals(layout({1, 19, 4, 5}, tag::nhwc)));
  EXPECT_TRUE(layout({2, 16, 3, 3}, tag::nChw16c).equals(layout({2, 16, 3, 3}, tag::nhwc)))
      << "one block is all channels";
  EXPECT_FALSE(layout({2, 32, 3, 3}, tag::nChw16c).equals(layout({2, 32, 3, 3}, tag::nhwc)));
  EXPECT_FALSE(layout({2, 32, 3, 3}, tag::nChw16c).equals(layout({2, 32, 3, 3}, tag::nChw8c)));
  EXPECT_FALSE(layout({2, 32, 3, 3}, tag::nChw16c).equals(layout({2, 31, 3, 3}, tag::nChw16c)));
}

TEST(Layout, PackingKeepsElementsAndClearsPadding) {
  const DescLayout blocks = layout({2, 19, 3, 3}, tag::nChw16c);
  ASSERT_EQ(blocks.bytes(), 2u * 32 * 9 * sizeof(float));
  const Tensor plain = random_tensor({2, 19, 3, 3}, 1);
  const auto memory = allocate(blocks.bytes());
  std::memset(memory.get(), 0xff, blocks.bytes());
  blocks.pack(plain, memory.get());
  const auto* physical = static_cast<const float*>(memory.get());
  const auto at = [&](int64_t n, int64_t c, int64_t p) { return physical[((n * 2 + c / 16) * 9 + p) * 16 + c % 16]; };
  EXPECT_EQ(at(1, 18, 4), plain.as<float>()[(1 * 19 + 18) * 9 + 4]);
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 19; c < 32; ++c)
      for (int64_t p = 0; p < 9; ++p) ASSERT_EQ(at(n, c, p), 0) << n << " " << c << " " << p;
  Tensor back(DType::f32, plain.shape());
  blocks.unpack(memory.get(), back);
  EXPECT_EQ(std::memcmp(back.data(), plain.data(), plain.bytes()), 0);
}

TEST(Layout, WeightsInGroupsPackFromTheirPlainValue) {
  const DescLayout grouped = layout({2, 16, 8, 3, 3}, tag::gOIhw8i8o);  // [K,C/groups,3,3] = [32,8,3,3]
  const Tensor plain = random_tensor({32, 8, 3, 3}, 2);
  const auto memory = allocate(grouped.bytes());
  grouped.pack(plain, memory.get());
  // Output channel 21 is 5 of group 1, in block 0 of 8; element (c=3, p=4) of it.
  const float element = static_cast<const float*>(memory.get())[(((1 * 2 + 0) * 1 * 9 + 4) * 8 + 3) * 8 + 5];
  EXPECT_EQ(element, plain.as<float>()[(21 * 8 + 3) * 9 + 4]);
  Tensor back(DType::f32, plain.shape());
  grouped.unpack(memory.get(), back);
  EXPECT_EQ(std::memcmp(back.data(), plain.data(), plain.bytes()), 0);
}

TEST(Layout, MastersLiveInF32BlocksOnly) {
  EXPECT_TRUE(layout({32, 16, 3, 3}, tag::OIhw16i16o).holds_masters());
  EXPECT_TRUE(layout({19, 3, 3, 3}, tag::Ohwi16o).holds_masters());
  const DescLayout narrow(runtime(), Desc({32, 16, 3, 3}, dnnl::memory::data_type::bf16, tag::OIhw16i16o));
  EXPECT_FALSE(narrow.holds_masters());
  const Desc gaps({4, 4}, f32, Dims{8, 1});
  EXPECT_FALSE(DescLayout(runtime(), gaps).holds_masters());
}

TEST(Layout, LikeKeepsBlocksAndOrder) {
  const Desc blocks = like(Desc({2, 32, 5, 5}, f32, tag::nChw16c), {3, 19, 7, 9});
  EXPECT_EQ(blocks, Desc({3, 19, 7, 9}, f32, tag::nChw16c));
  EXPECT_EQ(like(Desc({2, 32, 5, 6}, f32, tag::nhwc), {3, 19, 7, 9}), Desc({3, 19, 7, 9}, f32, tag::nhwc));
}

TEST(Layout, WorkspacesAreOpaque) {
  const Desc value({1, 16, 2, 2}, f32, tag::nhwc);
  const WorkspaceLayout a(Desc({64}, dnnl::memory::data_type::u8, tag::a), value, value);
  EXPECT_EQ(a.bytes(), 64u);
  EXPECT_TRUE(a.equals(WorkspaceLayout(a.desc(), value, value)));
  EXPECT_FALSE(a.equals(DescLayout(runtime(), a.desc())));
  Tensor t(DType::u8, {64});
  EXPECT_THROW(a.pack(t, t.data()), Unsupported);
  EXPECT_THROW(a.unpack(t.data(), t), Unsupported);
}

}  // namespace
}  // namespace ocellus::onednn
