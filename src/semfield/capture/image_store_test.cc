#include "semfield/capture/image_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "semfield/base/atomic_file.h"
#include "semfield/base/parallel.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;

// n plain images 16x12 whose red is 10 i.
Capture PlainCapture(const TempFolder& folder, int n, int channels = 3) {
  WriteImages(folder.path(), n, 16, 12, channels);
  Capture capture;
  for (int i = 0; i < n; ++i) {
    View view;
    view.name = fmt::format("{:03}", i);
    view.image = folder / fmt::format("images/{:03}.png", i);
    view.camera = PinholeCamera(16, 12, 0.8);
    view.world_from_camera = CirclePose(i, n);
    capture.views.push_back(view);
  }
  return capture;
}

constexpr size_t kImageBytes = 16 * 12 * 3;

TEST(ImageStore, KeepsWithinItsBoundAndForgetsTheLeastRecent) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 6);
  const ImageStore store(capture, 1, 3 * kImageBytes);
  const auto first = store.Image(0);
  store.Image(1);
  store.Image(2);
  EXPECT_EQ(store.bytes_in_use(), 3 * kImageBytes);
  EXPECT_EQ(store.Image(0), first);  // still there, and now the most recent
  store.Image(3);                    // drives out 1
  EXPECT_EQ(store.bytes_in_use(), 3 * kImageBytes);
  EXPECT_EQ(store.Image(0), first);
  std::filesystem::remove(folder / "images/001.png");
  std::filesystem::remove(folder / "images/003.png");
  EXPECT_NO_THROW(store.Image(3));
  EXPECT_THROW(store.Image(1), Error);
  for (int i : {2, 4, 5}) {
    EXPECT_EQ(store.Image(i)->At(3, 4, 0), 10 * i);
    EXPECT_LE(store.bytes_in_use(), 3 * kImageBytes);
  }
}

TEST(ImageStore, OneImageIsAlwaysKept) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 3);
  const ImageStore store(capture, 1, 10);
  const auto image = store.Image(1);
  EXPECT_EQ(store.bytes_in_use(), kImageBytes);
  EXPECT_EQ(store.Image(1), image);
  store.Image(2);
  EXPECT_EQ(store.bytes_in_use(), kImageBytes);
}

TEST(ImageStore, ManyThreadsGetTheSameImageDecodedOnce) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 4);
  const ImageStore store(capture);
  std::vector<std::shared_ptr<const ImageU8>> seen(32);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < seen.size(); ++t) {
    threads.emplace_back([&, t] { seen[t] = store.Image(static_cast<int>(t % 4)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < seen.size(); ++t) EXPECT_EQ(seen[t], seen[t % 4]);
  EXPECT_EQ(store.bytes_in_use(), 4 * kImageBytes);
}

TEST(ImageStore, ThreadsUnderEvictionSeeRightPixels) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 8);
  const ImageStore store(capture, 1, 2 * kImageBytes);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < 100; ++k) {
        const int i = (k * (t + 1) + t) % 8;
        wrong[t] += store.Image(i)->At(0, 0, 0) != 10 * i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
  EXPECT_LE(store.bytes_in_use(), 2 * kImageBytes);
}

TEST(ImageStore, AFailedDecodeCanBeRepaired) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 3);
  WriteFileAtomically(folder / "images/001.png", "broken");
  const ImageStore store(capture);
  EXPECT_THROW(store.Image(1), Error);
  EXPECT_THROW(store.Image(1), Error);
  WritePng(folder / "images/001.png", ImageU8(16, 12, 3, 9));
  EXPECT_EQ(store.Image(1)->At(0, 0, 0), 9);
  WritePng(folder / "images/002.png", ImageU8(17, 12, 3, 9));
  EXPECT_THROW(store.Image(2), Error);
}

TEST(ImageStore, DownscaleAveragesAreasAndScalesTheCamera) {
  TempFolder folder;
  Capture capture = PlainCapture(folder, 3);
  ImageU8 image(16, 12, 3);
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 16; ++x) image.At(x, y, 0) = static_cast<uint8_t>(x % 2 == 0 ? 100 : 200);
  }
  WritePng(capture.views[0].image, image);
  const ImageStore store(capture, 2);
  EXPECT_EQ(store.CameraOf(0).width, 8);
  EXPECT_EQ(store.CameraOf(0).height, 6);
  EXPECT_NEAR(store.CameraOf(0).fx, capture.views[0].camera.fx / 2, 1e-12);
  const auto small = store.Image(0);
  ASSERT_EQ(small->width, 8);
  ASSERT_EQ(small->height, 6);
  for (int x = 0; x < 8; ++x) EXPECT_EQ(small->At(x, 2, 0), 150);
  EXPECT_THROW(ImageStore(capture, 0.5), Error);
}

TEST(ImageStore, ColorsUnderTransparencyDoNotBleed) {
  TempFolder folder;
  Capture capture = PlainCapture(folder, 3, 4);
  ImageU8 image(16, 12, 4);
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 16; ++x) {
      const bool opaque = x % 2 == 0;
      image.At(x, y, 0) = opaque ? 200 : 0;
      image.At(x, y, 1) = opaque ? 40 : 255;
      image.At(x, y, 3) = opaque ? 255 : 0;
    }
  }
  WritePng(capture.views[0].image, image);
  const auto small = ImageStore(capture, 2).Image(0);
  ASSERT_EQ(small->channels, 4);
  EXPECT_NEAR(small->At(3, 3, 0), 200, 1);
  EXPECT_NEAR(small->At(3, 3, 1), 40, 1);
  EXPECT_NEAR(small->At(3, 3, 3), 128, 1);
}

TEST(ImageStore, GrayImagesBecomeRgb) {
  TempFolder folder;
  const Capture capture = PlainCapture(folder, 3, 1);
  const auto image = ImageStore(capture).Image(2);
  EXPECT_EQ(image->channels, 3);
  EXPECT_EQ(image->At(1, 1, 2), 20);
}

TEST(ImageStore, MaskPixelsAreUsedOnlyWhenWhollyUsable) {
  TempFolder folder;
  Capture capture = PlainCapture(folder, 3);
  ImageU8 mask(16, 12, 1, 1);  // any value but 0 means use
  mask.At(5, 4) = 0;
  WritePng(folder / "mask.png", mask);
  capture.views[1].mask = folder / "mask.png";
  const ImageStore full(capture), half(capture, 2);
  EXPECT_EQ(full.Mask(0), nullptr);
  EXPECT_EQ(full.Mask(1)->At(5, 4), 0);
  EXPECT_EQ(full.Mask(1)->At(4, 4), 255);
  EXPECT_EQ(half.Mask(1)->width, 8);
  EXPECT_EQ(half.Mask(1)->At(2, 2), 0);
  EXPECT_EQ(half.Mask(1)->At(3, 2), 255);
  const auto& pixels = half.Mask(1)->data;
  EXPECT_EQ(std::count(pixels.begin(), pixels.end(), 0), 1);
}

TEST(ImageStore, LabelsComeAtTheOriginalSize) {
  TempFolder folder;
  Capture capture = PlainCapture(folder, 3);
  ImageU16 depth(8, 6, 1, 1500);
  depth.At(2, 1) = 4000;
  WritePng16(folder / "d.png", depth);
  ImageU16 ids(16, 12, 1, 300);
  WritePng16(folder / "i.png", ids);
  WritePng(folder / "s.png", ImageU8(8, 6, 1, 7));
  capture.views[0].depth = folder / "d.png";
  capture.views[0].instance = folder / "i.png";
  capture.views[0].semantic = folder / "s.png";
  capture.depth_unit = 0.002;
  const ImageStore store(capture, 4);
  EXPECT_EQ(store.Instances(0).At(15, 11), 300);
  const ImageU16 classes = store.Classes(0);
  EXPECT_EQ(classes.width, 16);
  EXPECT_EQ(classes.At(9, 9), 7);
  // Stride 2: pixel (i, j) of the map is pixel (2i + 1, 2j + 1) of the image, and only that is known.
  const ImageF z = store.Depth(0);
  ASSERT_EQ(z.width, 16);
  EXPECT_FLOAT_EQ(z.At(5, 3), 8);
  EXPECT_FLOAT_EQ(z.At(15, 11), 3);
  EXPECT_EQ(z.At(4, 3), 0);
  EXPECT_EQ(z.At(5, 2), 0);
  EXPECT_TRUE(store.Depth(1).empty());
  EXPECT_TRUE(store.Instances(1).empty());
  EXPECT_TRUE(store.Classes(1).empty());
}

}  // namespace
}  // namespace semfield
