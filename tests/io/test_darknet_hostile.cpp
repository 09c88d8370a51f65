// Files that are damaged, or that want to hurt: each is refused with a line that says where and why, or read.
#include <gmock/gmock.h>

#include <chrono>

#include "darknet_files.h"

namespace ocellus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_darknet::net;
using testing_darknet::network;
using testing_darknet::some_numbers;
using testing_darknet::weights_file;
using testing_files::message_of;
using testing_files::TemporaryFolder;
using testing_files::write_text;

std::string refusal(const std::string& cfg, const std::vector<float>& numbers = {}) {
  return message_of<FormatError>([&] { network(cfg, numbers); });
}

const std::string conv = "[convolutional]\nfilters=2\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n";

TEST(HostileDarknet, weights_that_are_cut_or_too_long) {
  const std::string cfg = net(1, 8, 8) + conv + conv;
  const std::string whole = weights_file(some_numbers(2 * 4 + 18 + 2 * 4 + 36));
  for (const size_t bytes : {0u, 11u, 15u, 19u, 20u, 21u, 60u, 123u, 124u, 200u, unsigned(whole.size() - 1)}) {
    const TemporaryFolder folder;
    write_text(folder / "net.cfg", cfg);
    write_text(folder / "net.weights", whole.substr(0, bytes));
    EXPECT_THAT(message_of<Error>([&] { io::read_model(folder / "net.cfg"); }), HasSubstr("net.weights")) << bytes;
  }
  EXPECT_THAT(
      refusal(cfg, some_numbers(69)),
      AllOf(HasSubstr("net.weights: byte 124: [convolutional] in line 11 takes 176 bytes of weights, 172 are left")));
  EXPECT_THAT(refusal(cfg, some_numbers(71)), HasSubstr("4 bytes are left over"));
}

TEST(HostileDarknet, sizes_that_no_network_has) {
  const std::string small = net(1, 8, 8);
  for (const std::string& cfg : {net(1, 8, 99999999999999999),
                                 net(65536, 65536, 65536),
                                 net(-3, 8, 8),
                                 net(0, 8, 8),
                                 net(3, 0, 8),
                                 net(3, -8, 8),
                                 std::string("[net]\nchannels=3\n"),
                                 small + "[convolutional]\nfilters=1000000\nsize=1000\n",
                                 small + "[convolutional]\nfilters=-1\n",
                                 small + "[convolutional]\nfilters=99999999999999999999\n",
                                 small + "[convolutional]\nsize=0\n",
                                 small + "[convolutional]\nstride=0\n",
                                 small + "[convolutional]\ngroups=2\n",
                                 small + "[convolutional]\nsize=9\n",
                                 small + "[connected]\noutput=1000000\n[connected]\noutput=1000000\n",
                                 small + "[upsample]\nstride=1024\n[upsample]\nstride=1024\n",
                                 small + "[upsample]\nstride=0\n",
                                 small + "[maxpool]\nsize=0\n",
                                 small + "[maxpool]\nsize=20\npadding=0\n",
                                 small + "[reorg]\nstride=3\n",
                                 net(4, 8, 8) + "[local]\nfilters=1000000\nsize=3\n",
                                 small + "[local]\nsize=9\n",
                                 small + "[crop]\ncrop_height=9\n",
                                 small + "[dropout]\nprobability=1\n",
                                 small + "[dropout]\nprobability=nan\n",
                                 small + "[softmax]\ngroups=3\n",
                                 small + "[yolo]\nclasses=1000000\n",
                                 small + "[detection]\nside=1024\nnum=1024\n",
                                 small + "[convolutional]\nfilters=6\n[yolo]\nclasses=1\nmask=3\nanchors=1,2\n",
                                 small + "[convolutional]\nfilters=6\n[yolo]\nclasses=1\nmask=0\nanchors=0,2\n"})
    EXPECT_THAT(refusal(cfg), HasSubstr("net.cfg: line ")) << cfg;
}

TEST(HostileDarknet, references_that_lead_nowhere_or_in_circles) {
  for (const std::string reference :
       {"0", "-1", "1", "-2", "7", "99999999999999999999", "-9223372036854775808", "a", ""})
    for (const std::string section :
         {"[route]\nlayers=", "[shortcut]\nfrom=", "[sam]\nfrom=", "[scale_channels]\nfrom="})
      EXPECT_THAT(refusal(net(1, 8, 8) + section + reference + "\n"), HasSubstr("net.cfg: line "))
          << section << reference;
  EXPECT_THAT(refusal(net(1, 8, 8) + "[maxpool]\n[route]\nlayers=-1,1\n"),
              HasSubstr("line 6: [route] is layer 1 and refers to layer 1 (1), which does not come before it"));
  std::string many = net(1, 8, 8) + "[maxpool]\nsize=1\n[route]\nlayers=0";
  for (int i = 0; i < 200'000; ++i) many += ",0";
  EXPECT_THAT(refusal(many + "\n"), HasSubstr("operators"));
}

TEST(HostileDarknet, texts_that_are_none) {
  EXPECT_THAT(refusal("[net]\nwidth=4\nheight=4\n[max\n"), HasSubstr("line 4: expected [section], got \"[max\""));
  EXPECT_THAT(refusal("[net]\nwidth=4\nheight=4\nhello\n"), HasSubstr("line 4: expected key=value, got \"hello\""));
  EXPECT_THAT(refusal("[net]\nwidth=4x\n"), HasSubstr("line 2: [net] width=4x: expected a whole number"));
  EXPECT_THAT(refusal("[maxpool]\n[net]\nwidth=4\n"),
              HasSubstr("line 1: the first section is [maxpool], expected [net]"));
  EXPECT_THAT(refusal("a=1\n[net]\n"), HasSubstr("line 1: an option before the first section"));
  EXPECT_THAT(refusal(net(1, 4, 4) + "[convolutional]\nactivation=\xff\xfe\n"), HasSubstr("unknown activation"));
  EXPECT_THAT(refusal(std::string("[net]\nwid\0th=4\n", 15)), HasSubstr("line 2: holds a zero byte"));
  EXPECT_THAT(refusal(net(1, 4, 4)), HasSubstr("no section that computes anything"));
  EXPECT_THAT(refusal(net(1, 4, 4) + "[cost]\n"), HasSubstr("no section that computes anything"));
  EXPECT_THAT(message_of<Unsupported>([] { network(net(1, 4, 4) + "[lstm]\n[gru]\n[lstm]\n"); }),
              AllOf(HasSubstr("[gru] (1 time, first in line 6)"), HasSubstr("[lstm] (2 times, first in line 5)")));
  std::string endless = net(1, 4, 4);
  for (int i = 0; i < 1'000'000; ++i) endless += "[dropout]\n";
  EXPECT_THAT(refusal(endless), HasSubstr("sections"));
  EXPECT_THAT(message_of<Error>([&] { network(std::string(17 << 20, '\n') + net(1, 4, 4)); }), HasSubstr("net.cfg"));
}

TEST(HostileDarknet, the_longest_network_that_is_read) {
  std::string deep = net(1, 4, 4);
  for (int i = 0; i < 1023; ++i) deep += "[convolutional]\nbatch_normalize=1\nactivation=hard_mish\n";
  EXPECT_EQ(network(deep).parameters().size(), 1023u * 5);
}

TEST(HostileDarknet, files_beside_each_other) {
  const TemporaryFolder folder;
  write_text(folder / "lonely.weights", weights_file({1, 2}));
  EXPECT_THAT(message_of<IoError>([&] { io::read_model(folder / "lonely.weights"); }),
              HasSubstr("needs lonely.cfg beside it"));
  // A .data file's path leads to the file of that name here, and nowhere else.
  const TemporaryFolder elsewhere;
  write_text(elsewhere / "secret.names", "s\n");
  write_text(folder / "a.cfg", net(1, 1, 1) + "[activation]\nactivation=relu\n");
  write_text(folder / "a.data", "classes= 1\nnames = " + (elsewhere / "secret.names").string() + "\n");
  EXPECT_TRUE(io::read_model(folder / "a.cfg").class_names().empty());
  write_text(folder / "secret.names", "mine\nmore\n");
  EXPECT_THAT(io::read_model(folder / "a.cfg").class_names(), testing::ElementsAre("mine"));
  write_text(folder / "a.names", "\xff\n");
  EXPECT_THAT(io::read_model(folder / "a.cfg").class_names(), testing::ElementsAre("mine"));
}

/// Changes a text as damage or malice would.
std::string mutated(std::string text, Rng& rng) {
  static const std::vector<std::string> pieces = {"-1",
                                                  "0",
                                                  "99999999999",
                                                  "1e9",
                                                  "nan",
                                                  "=",
                                                  ",",
                                                  "[",
                                                  "]",
                                                  "\n",
                                                  "#",
                                                  "\xff",
                                                  "[net]\n",
                                                  "[route]\nlayers=-1,-2\n",
                                                  "stride=2\n",
                                                  "size=1\n",
                                                  "pad=1\n",
                                                  "groups=2\n",
                                                  "[yolo]\n",
                                                  "[reorg]\nstride=2\n",
                                                  "[connected]\noutput=3\n",
                                                  "4096"};
  for (uint64_t times = 1 + rng.below(4); times > 0 && !text.empty(); --times) {
    const size_t at = rng.below(text.size());
    switch (rng.below(5)) {
      case 0: text[at] = static_cast<char>(rng.below(256)); break;
      case 1: text.insert(at, pieces[rng.below(pieces.size())]); break;
      case 2: text.erase(at, 1 + rng.below(12)); break;
      case 3: text.insert(at, text.substr(rng.below(text.size()), rng.below(80))); break;
      default:
        if (const size_t equals = text.find('=', at); equals != text.npos)
          text.replace(equals + 1, text.find('\n', equals) - equals - 1, pieces[rng.below(5)]);
    }
  }
  return text;
}

TEST(HostileDarknet, a_second_of_mutations) {
  const std::string cfg =
      net(2, 8, 8) + conv + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,1\n" + conv +
      "[shortcut]\nfrom=-3\nactivation=mish\n[upsample]\nstride=2\n[reorg3d]\nstride=2\n[avgpool]\n"
      "[scale_channels]\nfrom=-2\n[local]\nsize=3\npad=1\nfilters=2\nactivation=relu\n[dropout]\n"
      "[convolutional]\nfilters=12\nactivation=linear\n[yolo]\nmask=0,1\nanchors=1,2,3,4\nclasses=1\n";
  const std::string weights = weights_file(some_numbers(4096));
  const TemporaryFolder folder;
  Rng rng(11);
  int read = 0, refused = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (std::chrono::steady_clock::now() < end) {
    write_text(folder / "net.cfg", mutated(cfg, rng));
    if (rng.below(2) == 0)
      write_text(folder / "net.weights", weights.substr(0, rng.below(weights.size())));
    else
      std::filesystem::remove(folder / "net.weights");
    try {
      io::read_model(folder / "net.cfg");
      ++read;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(read, 10);
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace ocellus
