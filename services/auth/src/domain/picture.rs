//! Pictures of people: whatever came is looked into, decoded within bounds, and made anew.
//!
//! What a picture is, its first bytes say, and not what the client calls it. Its size is read from its head and refused before
//! anything is decoded, so that a few bytes never become much memory. What is kept is a JPEG of our own: nothing that stood in the
//! file besides the picture, such as where it was taken, is in it.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use image::{Rgb, RgbImage, RgbaImage};
use std::io::Cursor;

/// Pixels of a side of what is kept.
pub const SIDE: u32 = 256;
/// Pixels of what may be sent.
pub const MOST_PIXELS: u64 = 40_000_000;
/// Pixels of a side of what may be sent.
const LONGEST_SIDE: u32 = 30_000;
/// Bytes that one picture may take while it is decoded.
const MOST_MEMORY: u64 = 192 * 1_024 * 1_024;
/// Of a JPEG, from 1 to 100.
const QUALITY: u8 = 85;

/// Why something is no picture that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPicture {
    /// Its first bytes are of none of the formats.
    #[error("neither PNG, JPEG, WebP nor GIF")]
    Unknown,
    /// It has more pixels, or takes more memory, than is allowed.
    #[error("too many pixels")]
    TooLarge,
    /// It begins as a picture and does not go on as one.
    #[error("the picture is broken")]
    Broken,
}

impl From<ImageError> for BadPicture {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::Unsupported(_) => Self::Unknown,
            ImageError::Decoding(_)
            | ImageError::Encoding(_)
            | ImageError::Parameter(_)
            | ImageError::IoError(_) => Self::Broken,
        }
    }
}

/// The middle of a picture as a square of [`SIDE`] pixels, upright, on white, as a JPEG. Of a moving one the first frame.
///
/// It takes as long as decoding does: not for a thread that serves requests.
///
/// # Errors
/// [`BadPicture`].
pub fn square(bytes: &[u8]) -> Result<Vec<u8>, BadPicture> {
    let format = image::guess_format(bytes).map_err(|_| BadPicture::Unknown)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(BadPicture::Unknown);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS || decoder.total_bytes() > MOST_MEMORY {
        return Err(BadPicture::TooLarge);
    }
    // Where it stands in the file it is taken for granted otherwise; a broken one turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder)?;
    let mut small = DynamicImage::ImageRgba8(middle(&picture)?);
    drop(picture);
    // The middle of a square stays the middle however it is turned.
    small.apply_orientation(orientation);
    written(&on_white(&small))
}

/// The square in the middle, small. It is cut out before it is made small: a picture that is one pixel high would grow otherwise.
fn middle(picture: &DynamicImage) -> Result<RgbaImage, BadPicture> {
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    if side == 0 {
        return Err(BadPicture::Broken);
    }
    let cut = imageops::crop_imm(picture, (width - side) / 2, (height - side) / 2, side, side);
    if side > 2 * SIDE {
        // Cheap first, so that the careful way has little to do.
        let smaller = imageops::thumbnail(&*cut, 2 * SIDE, 2 * SIDE);
        return Ok(imageops::resize(&smaller, SIDE, SIDE, FilterType::Triangle));
    }
    Ok(imageops::resize(&*cut, SIDE, SIDE, FilterType::CatmullRom))
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let over = |colour: u8| {
            let (colour, alpha) = (u16::from(colour), u16::from(alpha));
            u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    })
}

fn written(picture: &RgbImage) -> Result<Vec<u8>, BadPicture> {
    let mut jpeg = Vec::with_capacity(32 * 1_024);
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(picture)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::gif::GifEncoder;
    use image::{Frame, ImageEncoder, Rgba};

    fn picture(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, _| {
            if x < width / 2 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 255, 255]) }
        })
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        encoded(&picture(width, height).into(), ImageFormat::Png)
    }

    fn read(jpeg: &[u8]) -> RgbImage {
        assert_eq!(image::guess_format(jpeg).unwrap(), ImageFormat::Jpeg);
        image::load_from_memory(jpeg).unwrap().to_rgb8()
    }

    /// Whether it is about this colour; a JPEG is never exact.
    fn is(picture: &RgbImage, (x, y): (u32, u32), colour: [u8; 3]) -> bool {
        picture.get_pixel(x, y).0.iter().zip(colour).all(|(one, other)| one.abs_diff(other) < 40)
    }

    #[test]
    fn every_format_becomes_a_square_jpeg() {
        let rgba: DynamicImage = picture(300, 200).into();
        let rgb: DynamicImage = rgba.to_rgb8().into();
        for (format, picture) in [
            (ImageFormat::Png, &rgba),
            (ImageFormat::Jpeg, &rgb),
            (ImageFormat::WebP, &rgba),
            (ImageFormat::Gif, &rgba),
        ] {
            let made = read(&square(&encoded(picture, format)).unwrap());
            assert_eq!(made.dimensions(), (SIDE, SIDE), "{format:?}");
            assert!(is(&made, (10, 128), [255, 0, 0]) && is(&made, (246, 128), [0, 0, 255]), "{format:?}");
        }
    }

    #[test]
    fn small_large_and_narrow_ones_become_squares_too() {
        for (width, height) in [(1, 1), (1, 900), (900, 1), (2_000, 1_500), (29_000, 1)] {
            assert_eq!(read(&square(&png(width, height)).unwrap()).dimensions(), (SIDE, SIDE));
        }
    }

    #[test]
    fn what_is_seen_through_is_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(20, 20, Rgba([0, 0, 0, 0])).into();
        assert!(is(&read(&square(&encoded(&clear, ImageFormat::Png)).unwrap()), (128, 128), [255, 255, 255]));
    }

    #[test]
    fn of_a_moving_picture_the_first_frame_is_kept() {
        let mut gif = Vec::new();
        let frame = |colour| Frame::new(RgbaImage::from_pixel(30, 30, Rgba(colour)));
        GifEncoder::new(&mut gif).encode_frames([frame([0, 255, 0, 255]), frame([255, 0, 0, 255])]).unwrap();
        assert!(is(&read(&square(&gif).unwrap()), (128, 128), [0, 255, 0]));
    }

    #[test]
    fn what_is_called_a_picture_and_is_none_is_refused() {
        for bytes in [
            b"".as_slice(),
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<html><script>alert(1)</script></html>",
            b"BM\x3a\x00\x00\x00\x00\x00\x00\x00",
            b"II*\x00\x08\x00\x00\x00",
            b"%PDF-1.7",
        ] {
            assert_eq!(square(bytes), Err(BadPicture::Unknown));
        }
    }

    /// The head of a PNG that says so many pixels, and no pixels at all.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut head = b"IHDR".to_vec();
        head.extend(width.to_be_bytes());
        head.extend(height.to_be_bytes());
        head.extend([8, 6, 0, 0, 0]);
        png.extend(13_u32.to_be_bytes());
        png.extend(&head);
        png.extend(crc(&head).to_be_bytes());
        png.extend(0_u32.to_be_bytes());
        png.extend(b"IDAT");
        png.extend(crc(b"IDAT").to_be_bytes());
        png
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn too_many_pixels_are_refused_by_what_the_head_says() {
        for (width, height) in
            [(30_001, 1), (1, 30_001), (20_000, 20_000), (6_325, 6_325), (u32::MAX >> 1, 2)]
        {
            assert_eq!(square(&bomb(width, height)), Err(BadPicture::TooLarge), "{width}x{height}");
        }
        // Within the bounds it is decoded, and found to have no pixels.
        assert_eq!(square(&bomb(100, 100)), Err(BadPicture::Broken));
    }

    #[test]
    fn a_broken_picture_is_refused() {
        let jpeg = encoded(
            &DynamicImage::ImageRgb8(DynamicImage::from(picture(64, 64)).to_rgb8()),
            ImageFormat::Jpeg,
        );
        for whole in [png(64, 64), jpeg] {
            for length in [9, 20, 40] {
                assert!(square(&whole[..length]).is_err(), "{length}");
            }
        }
    }

    /// A JPEG with an EXIF block: a place, and that it lies on its side.
    fn with_exif(orientation: u8) -> Vec<u8> {
        let rgb = DynamicImage::from(picture(64, 64)).to_rgb8();
        let mut exif = b"II*\x00\x08\x00\x00\x00\x02\x00".to_vec();
        // Orientation (0x0112), one SHORT; ImageDescription (0x010e), sixteen bytes behind the entries.
        exif.extend([0x0e, 0x01, 2, 0, 16, 0, 0, 0, 38, 0, 0, 0]);
        exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
        exif.extend([0, 0, 0, 0]);
        exif.extend(b"GPS 47.37N 8.54E");
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.encode_image(&rgb).unwrap();
        jpeg
    }

    #[test]
    fn what_stood_in_the_file_besides_the_picture_is_gone() {
        let sent = with_exif(1);
        let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        assert!(has(&sent, b"GPS 47.37N") && has(&sent, b"Exif"));
        let mut sent = sent;
        sent.extend(b"<script>behind the end</script>");
        let made = square(&sent).unwrap();
        for text in [b"GPS".as_slice(), b"Exif", b"<script>"] {
            assert!(!has(&made, text));
        }
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_put_upright() {
        let upright = read(&square(&with_exif(1)).unwrap());
        assert!(is(&upright, (10, 128), [255, 0, 0]) && is(&upright, (246, 128), [0, 0, 255]));
        // 6: turned by a quarter to the right, so that left is up.
        let turned = read(&square(&with_exif(6)).unwrap());
        assert!(is(&turned, (128, 10), [255, 0, 0]) && is(&turned, (128, 246), [0, 0, 255]));
    }
}
