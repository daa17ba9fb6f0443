terraform import cloudlet_flavor.small 1c0f7a55-34a3-4f0b-8cf8-2f2c5b1f0f3d
