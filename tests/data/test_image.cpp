#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <string>
#include <vector>

#include <ocellus/base/file.h>
#include <ocellus/data/image.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) image.at(x, y)[c] = static_cast<uint8_t>(7 * x + 3 * y + 50 * c);
  return image;
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// Writes another size into a PNG's header, with the right check sum.
std::string with_png_size(std::string png, uint32_t width, uint32_t height) {
  png.replace(16, 8, big_endian(width) + big_endian(height));
  png.replace(29, 4, big_endian(crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17)));
  return png;
}

/// Puts an EXIF block with an orientation behind a JPEG's first marker.
std::string with_orientation(const std::string& jpeg, char orientation) {
  std::string exif("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 24);
  exif += std::string({orientation, 0, 0, 0, 0, 0, 0, 0});
  const auto length = static_cast<uint32_t>(exif.size() + 2);
  return jpeg.substr(0, 2) + "\xff\xe1" + big_endian(length).substr(2) + exif + jpeg.substr(2);
}

TEST(Image, LosslessFormatsComeBackAsTheyWere) {
  const Scratch scratch;
  for (const int channels : {1, 3}) {
    const Image image = gradient(19, 11, channels);
    for (const std::string extension : {".png", ".bmp", channels == 1 ? ".pgm" : ".ppm"}) {
      const auto path = scratch / ("image" + std::to_string(channels) + extension);
      save_image(path, image);
      EXPECT_EQ(load_image(path, {.channels = channels}), image) << extension;
    }
  }
}

TEST(Image, ChannelsAreAsTheFileHasThemOrAsAsked) {
  const std::string grey = encode_image(gradient(8, 8, 1), ".png"), colour = encode_image(gradient(8, 8, 3), ".png");
  EXPECT_EQ(decode_image(bytes_of(grey)).channels, 1);
  EXPECT_EQ(decode_image(bytes_of(colour)).channels, 3);
  EXPECT_EQ(decode_image(bytes_of(grey), "x", {.channels = 3}), to_rgb(gradient(8, 8, 1)));
  EXPECT_EQ(decode_image(bytes_of(colour), "x", {.channels = 1}).channels, 1);
}

TEST(Image, JpegKeepsRedRed) {
  Image image(16, 16, 3);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) image.at(x, y)[0] = 250;
  const Image back = decode_image(bytes_of(encode_image(image, ".jpg")));
  EXPECT_NEAR(back.at(8, 8)[0], 250, 6);
  EXPECT_NEAR(back.at(8, 8)[1], 0, 6);
  EXPECT_NEAR(back.at(8, 8)[2], 0, 6);
}

TEST(Image, ExifOrientationIsApplied) {
  Image image(32, 16, 1);  // its top left quarter is white
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 16; ++x) *image.at(x, y) = 255;
  const std::string jpeg = encode_image(image, ".jpg");
  struct Case {
    char orientation;
    int width, white_x, white_y;
  };
  // 3: turned by 180 degrees, 6: to be turned clockwise, 8: counter-clockwise.
  for (const Case& c : {Case{1, 32, 4, 4}, Case{3, 32, 28, 12}, Case{6, 16, 12, 4}, Case{8, 16, 4, 28}}) {
    const Image turned = decode_image(bytes_of(with_orientation(jpeg, c.orientation)));
    ASSERT_EQ(turned.width, c.width) << int{c.orientation};
    EXPECT_GT(*turned.at(c.white_x, c.white_y), 240) << int{c.orientation};
    EXPECT_LT(*turned.at(turned.width - 1 - c.white_x, turned.height - 1 - c.white_y), 15) << int{c.orientation};
  }
}

TEST(Image, HeadersTellFormatAndSize) {
  const Image image = gradient(21, 13, 3);
  const std::pair<const char*, ImageFormat> formats[] = {{".jpg", ImageFormat::jpeg},
                                                         {".png", ImageFormat::png},
                                                         {".bmp", ImageFormat::bmp},
                                                         {".ppm", ImageFormat::pnm},
                                                         {".webp", ImageFormat::webp}};
  for (const auto& [extension, format] : formats) {
    const ImageHeader header = read_image_header(bytes_of(encode_image(image, extension)));
    EXPECT_EQ(header.format, format) << extension;
    EXPECT_EQ(header.width, 21) << extension;
    EXPECT_EQ(header.height, 13) << extension;
  }
}

TEST(BadImage, TextNamedJpgIsNoImage) {
  const Scratch scratch;
  const auto path = scratch.write("cat.jpg", "this is not a picture\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(message_of<FormatError>([&] { load_image(path); }),
            path.string() + ": not an image: its first bytes are not those of JPEG, PNG, BMP, PNM or WebP");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(BadImage, EmptyFileSaysSo) {
  const Scratch scratch;
  const auto path = scratch.write("cat.png", "");
  EXPECT_EQ(message_of<FormatError>([&] { load_image(path); }), path.string() + ": the file is empty");
}

TEST(BadImage, MissingFileIsAnIoError) {
  EXPECT_EQ(message_of<IoError>([] { load_image("/nowhere/cat.jpg"); }),
            "/nowhere/cat.jpg: can't be opened: No such file or directory");
}

TEST(BadImage, NoPixelsInTheHeader) {
  const std::string png = with_png_size(encode_image(gradient(4, 4, 1), ".png"), 0, 0);
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of(png), "zero.png"); }),
            "zero.png: the image has no pixels (0x0)");
  std::string bmp = encode_image(gradient(4, 4, 1), ".bmp");
  bmp.replace(18, 8, std::string(8, '\0'));
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of(bmp), "zero.bmp"); }),
            "zero.bmp: the image has no pixels (0x0)");
}

TEST(BadImage, TooManyPixelsInTheHeader) {
  const std::string rest = " is over the limit of 268435456 pixels";
  std::string jpeg = encode_image(gradient(8, 8, 3), ".jpg");
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, big_endian(50000).substr(2) + big_endian(50000).substr(2));
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of(jpeg), "huge.jpg"); }),
            "huge.jpg: the image is too large: 50000x50000" + rest);
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of("P5 50000 50000 255\n"), "huge.pgm"); }),
            "huge.pgm: byte 19: the image ends too early: the file is truncated");
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of("P5 5000000 1 255\n"), "wide.pgm"); }),
            "wide.pgm: the image is too large: 5000000x1" + rest);
  const std::string png = with_png_size(encode_image(gradient(4, 4, 1), ".png"), 50000, 50000);
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of(png), "huge.png"); }).substr(0, 40),
            "huge.png: byte 16: 50000x50000 pixels ca");
  std::string bmp = encode_image(gradient(4, 4, 1), ".bmp");
  bmp.replace(18, 8, std::string("\x50\xc3\0\0\x50\xc3\0\0", 8));
  EXPECT_THROW(decode_image(bytes_of(bmp), "huge.bmp"), FormatError);
}

TEST(BadImage, TheLimitOfPixelsCanBeSet) {
  const std::string png = encode_image(gradient(10, 10, 1), ".png");
  EXPECT_NO_THROW(decode_image(bytes_of(png), "x", {.max_pixels = 100}));
  EXPECT_THROW(decode_image(bytes_of(png), "x", {.max_pixels = 99}), FormatError);
}

TEST(BadImage, EveryTruncationIsNoticedAndNothingIsPrinted) {
  testing::internal::CaptureStderr();
  for (const std::string extension : {".jpg", ".png", ".bmp", ".ppm", ".webp"}) {
    const std::string whole = encode_image(gradient(40, 30, 3), extension);
    for (int percent = 0; percent < 100; ++percent) {
      const std::string part = whole.substr(0, whole.size() * static_cast<size_t>(percent) / 100);
      EXPECT_THROW(decode_image(bytes_of(part), "part" + extension), FormatError) << extension << ' ' << percent;
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(BadImage, TruncatedFileSaysWhere) {
  const Scratch scratch;
  const std::string whole = encode_image(gradient(40, 30, 3), ".jpg");
  const auto path = scratch.write("half.jpg", whole.substr(0, 500));
  EXPECT_EQ(message_of<FormatError>([&] { load_image(path); }),
            path.string() + ": byte 500: the image ends too early: the file is truncated");
}

TEST(BadImage, ADamagedPngFailsItsCheckSum) {
  std::string png = encode_image(gradient(40, 30, 3), ".png");
  png[png.size() - 30] ^= 1;
  EXPECT_EQ(message_of<FormatError>([&] { decode_image(bytes_of(png), "bad.png"); }),
            "bad.png: byte 33: wrong check sum of a PNG chunk: the file is damaged");
}

TEST(BadImage, UnknownExtensionsAndAbsentFoldersAreNotWritten) {
  const Scratch scratch;
  EXPECT_EQ(message_of<UsageError>([&] { save_image(scratch / "x.gif", gradient(4, 4, 1)); }),
            "images are written as .png, .jpg, .bmp, .ppm, .pgm or .webp, not '.gif'");
  EXPECT_THROW(save_image("/nowhere/x.png", gradient(4, 4, 1)), IoError);
}

TEST(Image, TensorsAreChannelsFirst) {
  const Image image = gradient(5, 4, 3);
  const Tensor tensor = to_tensor(image);
  ASSERT_EQ(tensor.shape(), (Shape{3, 4, 5}));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 5; ++x) EXPECT_EQ(tensor.at((c * 4 + y) * 5 + x), image.at(x, y)[c]);
  EXPECT_EQ(to_image(tensor), image);
}

TEST(Image, FloatTensorsAreRoundedAndClamped) {
  const Image image = to_image(Tensor::of<float>({1, 5}, {-3.f, 0.4f, 99.6f, 255.4f, 1e9f}));
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{0, 0, 100, 255, 255}));
  EXPECT_EQ(message_of<ShapeError>([] {
              to_image(Tensor(DType::u8, {4, 2, 2}));
            }),
            "an image takes [1,H,W], [3,H,W] or [H,W], got [4,2,2]");
}

TEST(Image, AreaResizeAverages) {
  Image image(4, 2, 1);
  image.pixels = {0, 10, 100, 100, 20, 30, 100, 200};
  EXPECT_EQ(resize(image, 2, 1, Interpolation::area).pixels, (std::vector<uint8_t>{15, 125}));
  EXPECT_THROW(resize(image, 0, 4), UsageError);
}

TEST(Image, CropCutsInsideOnly) {
  const Image image = gradient(10, 8, 3);
  const Image part = crop(image, {.x = 2, .y = 3, .width = 4, .height = 5});
  EXPECT_EQ(part.at(1, 1)[2], image.at(3, 4)[2]);
  EXPECT_EQ(message_of<UsageError>([&] { crop(image, {.x = 7, .y = 0, .width = 4, .height = 1}); }),
            "the rectangle at (7, 0) of 4x1 sticks out of an image of 10x8");
}

}  // namespace
}  // namespace ocellus::data
