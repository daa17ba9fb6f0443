terraform import cloudlet_image_member.golden 0b8d3c4e-6d8a-4a8b-9a52-6c9d8f7b1e20
